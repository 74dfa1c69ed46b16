import { createHmac } from 'node:crypto'
import connectPgSimple from 'connect-pg-simple'
import type { NextFunction, Request, Response } from 'express'
import session from 'express-session'
import passport from 'passport'
import { Strategy } from 'passport-local'
import { describe, expect, test } from 'vitest'
import { amendContext, auditContext } from '../src/index.js'
import { frameworks } from './frameworks.js'
import { browser, json, serve, shop } from './support.js'

declare global {
  namespace Express {
    interface User {
      readonly id: number
      readonly username: string
    }
  }
}
declare module 'express-session' {
  interface SessionData {
    views: number
  }
}

const it = await shop()
const anna = { id: 7, username: 'anna' }
const secret = 'of the log'
const credentials = { method: 'POST', headers: json, body: '{"username":"anna","password":"x"}' }

passport.use(new Strategy((username, _password, done) => done(null, { ...anna, username })))
passport.serializeUser<number>((user, done) => done(null, user.id))
passport.deserializeUser<number>((_id, done) => done(null, anna))

describe.each(frameworks)(
  '%s with express-session, connect-pg-simple and passport',
  (_, express) => {
    function application() {
      const app = express()
      const Store = connectPgSimple(session)
      const store = new Store({ pool: it.pool, pruneSessionInterval: false, disableTouch: true })
      app.use(auditContext({ user: (req) => req.user, session: { secret } }))
      app.use(express.json())
      app.use(session({ store, secret: 'of the cookie', resave: false, saveUninitialized: false }))
      app.use((req, _res, next) => {
        req.session.views = (req.session.views ?? 0) + 1
        req.session.save(next)
      })
      app.use(passport.session())
      app.post('/login', passport.authenticate('local'), async (_req, res) => {
        await it.note('welcome')
        res.end()
      })
      app.post('/orders', async (_req, _res, next) => {
        await it.note('order').then(() => next(new Error('no stock')))
      })
      app.post('/logout', (req, res, next) => {
        if (req.user) amendContext({ user_id: req.user.id, username: req.user.username })
        req.logout((error) => (error ? next(error) : res.end()))
      })
      app.use(async (error: Error, _req: Request, res: Response, _next: NextFunction) => {
        await it.note(error.message)
        res.status(500).end()
      })
      return app
    }

    test('the store writes first, then authentication, the business and the error handler', async () => {
      await it.database.query('truncate session')
      await it.entries()
      const visit = browser(await serve(application()))

      await visit('/login', credentials)
      expect(await it.told()).toEqual([
        ['session insert', null], // who is it?
        ['session delete', '7'], // a new id for the session of who has logged in
        ['session insert', '7'],
        ['welcome', '7'],
      ])

      const { status, headers } = await visit('/orders', { method: 'POST' })
      expect(status).toBe(500)
      const entries = await it.entries()
      expect(entries.map(({ what, user }) => [what, user])).toEqual([
        ['session update', null],
        ['order', '7'],
        ['no stock', '7'],
      ])
      const { rows } = await it.database.query<{ sid: string }>('select sid from session')
      const session_key = createHmac('sha256', secret).update(`${rows[0]?.sid}`).digest('hex')
      const known = { session_key, request_id: headers['x-request-id'] }
      expect(entries.map(({ metadata }) => metadata)).toMatchObject([
        known,
        { ...known, username: 'anna' },
        { ...known, username: 'anna' },
      ])
      expect(entries.map(({ error }) => error)).toEqual([null, null, null])

      await visit('/logout', { method: 'POST' })
      expect(await it.told()).toEqual([
        ['session update', null],
        ['session update', '7'],
        ['session delete', '7'],
        ['session insert', '7'],
      ])
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
