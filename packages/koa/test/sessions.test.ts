import { createHmac } from 'node:crypto'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import passport from 'koa-passport'
import { createSession } from 'koa-session'
import { Strategy } from 'passport-local'
import { describe, expect, test } from 'vitest'
import { browser, json, serve, shop } from '../../express/test/support.js'
import { amendContext, auditContext } from '../src/index.js'
import { frameworks } from './frameworks.js'

const it = await shop()
const anna = { id: 7, username: 'anna' }
const secret = 'of the log'
const credentials = { method: 'POST', headers: json, body: '{"username":"anna","password":"x"}' }

passport.use(new Strategy((username, _password, done) => done(null, { ...anna, username })))
passport.serializeUser<number>((user, done) => done(null, (user as typeof anna).id))
passport.deserializeUser<number>((_id, done) => done(null, anna))

/** It writes when it reads, too. */
const store = {
  async get(sid: string) {
    const { rows } = await it.pool.query(
      'update session set expire = clock_timestamp() where sid = $1 returning sess',
      [sid],
    )
    return rows[0]?.sess
  },
  async set(sid: string, sess: object) {
    const text = `insert into session values ($1, $2, clock_timestamp())
      on conflict (sid) do update set sess = excluded.sess, expire = excluded.expire`
    await it.pool.query(text, [sid, sess])
  },
  async destroy(sid: string) {
    await it.pool.query('delete from session where sid = $1', [sid])
  },
}

describe.each(frameworks)(
  '%s with koa-session, a store in PostgreSQL and koa-passport',
  (_, Koa) => {
    function application() {
      const app = new Koa()
      app.keys = ['of the cookie']
      app.silent = true
      app.use(auditContext({ user: (ctx) => ctx.state.user, session: { secret } }))
      app.use(async (ctx, next) => {
        try {
          await next()
        } catch (error) {
          await it.note((error as Error).message)
          ctx.status = 500
        }
      })
      app.use(createSession({ store }, app))
      app.use(bodyParser())
      app.use(async (ctx, next) => {
        ctx.session.views = (ctx.session.views ?? 0) + 1
        await ctx.session.save()
        await next()
      })
      app.use(passport.initialize()).use(passport.session())
      const router = new Router()
      router.post('/login', passport.authenticate('local'), async (ctx) => {
        await it.note('welcome')
        ctx.body = ''
      })
      router.post('/orders', async () => {
        await it.note('order')
        throw new Error('no stock')
      })
      router.post('/logout', async (ctx) => {
        const { id, username } = ctx.state.user
        amendContext({ user_id: id, username })
        await ctx.logout()
        ctx.body = ''
      })
      return app.use(router.routes()).callback()
    }

    test('the store writes first, then authentication, the business and the error handler', async () => {
      await it.database.query('truncate session')
      await it.entries()
      const visit = browser(await serve(application()))

      await visit('/login', credentials)
      const [created, ...login] = await it.told()
      expect(created).toEqual(['session insert', null]) // who is it?
      expect(login.slice(0, 2)).toEqual([
        ['session delete', '7'], // a new id for the session of who has logged in
        ['session insert', '7'],
      ])
      expect(login).toContainEqual(['welcome', '7'])
      expect(login.filter(([, user]) => user !== '7')).toEqual([])

      const { rows } = await it.database.query<{ sid: string }>('select sid from session')
      const session_key = createHmac('sha256', secret).update(`${rows[0]?.sid}`).digest('hex')
      const { status, headers } = await visit('/orders', { method: 'POST' })
      expect(status).toBe(500)
      const [read, saved, ...after] = await it.entries()
      expect([read, saved]).toMatchObject([
        { what: 'session update', user: null },
        { what: 'session update', user: null, metadata: { session_key } },
      ])
      expect(read?.metadata).not.toHaveProperty('session_key') // it is being read
      const told = after.filter(({ what }) => !what.startsWith('session'))
      expect(told.map(({ what }) => what)).toEqual(['order', 'no stock'])
      for (const { user, error, metadata } of after) {
        expect([user, error]).toEqual(['7', null])
        const request_id = headers['x-request-id']
        expect(metadata).toMatchObject({ session_key, username: 'anna', request_id })
      }

      await visit('/logout', { method: 'POST' })
      const logout = await it.told()
      expect(logout.slice(0, 2).map(([, user]) => user)).toEqual([null, null])
      expect(logout).toContainEqual(['session delete', '7'])
      expect(logout.slice(2).filter(([, user]) => user !== '7')).toEqual([])
    })

    test('many sessions at once', async () => {
      const url = await serve(application())
      await Promise.all(
        Array.from({ length: 40 }, async (_, n) => {
          const visit = browser(url)
          await visit('/login', { ...credentials, body: `{"username":"user ${n}","password":"x"}` })
          await visit('/orders', { method: 'POST' })
        }),
      )
      const entries = await it.entries()
      expect(
        entries.filter(({ what, user }) => !what.startsWith('session') && user !== '7'),
      ).toEqual([])
      const names = entries.filter(({ what }) => what === 'welcome')
      expect(new Set(names.map(({ metadata }) => metadata.username)).size).toBe(40)
    })
  },
)
