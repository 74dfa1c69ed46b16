import { auditContext } from '@auditrum/express'
import { withChangeReason } from '@auditrum/knex'
import connectPgSimple from 'connect-pg-simple'
import express, { type Express, type RequestHandler } from 'express'
import session from 'express-session'
import { hash, type Shop } from './database.ts'

declare module 'express-session' {
  interface SessionData {
    user: string
  }
}

/** The shop over HTTP. Nothing in its handlers knows that it is audited. */
export function app({ pool, knex, audit }: Shop): Express {
  const PgSession = connectPgSimple(session)
  const store = new PgSession({ pool, createTableIfMissing: true, pruneSessionInterval: false })
  const mustLogIn: RequestHandler = (req, res, next) => {
    if (req.session.user) next()
    else res.status(401).json({ error: 'log in first' })
  }

  return (
    express()
      // in front of everything: who it is will be asked when something is written
      .use(auditContext({ user: (req) => req.session?.user }))
      .use(session({ store, secret: 'only for a demo', resave: false, saveUninitialized: false }))
      .use(express.json())

      .post('/login', async (req, res) => {
        const { name, password } = req.body
        const person = await knex('staff').where({ name }).first()
        const [salt] = person?.password_hash.split(' ') ?? []
        if (!person || hash(password, salt) !== person.password_hash) {
          return void res.status(401).json({ error: 'wrong name or password' })
        }
        req.session.user = person.name
        res.json({ name: person.name })
      })

      .post('/orders', async (req, res) => {
        const { name, email, total } = req.body
        const order = await knex.transaction(async (trx) => {
          const [customer] = await trx('customers').insert({ name, email }).returning('id')
          return trx('orders').insert({ customer_id: customer.id, total }).returning('*')
        })
        res.status(201).json(order[0])
      })
      .patch('/orders/:id', mustLogIn, async (req, res) => {
        const { reason, ...changes } = req.body
        const update = () => knex('orders').where({ id: req.params.id }).update(changes, '*')
        res.json(await (reason ? withChangeReason(reason, update) : update()))
      })
      .delete('/customers/:id', mustLogIn, async (req, res) => {
        res.json({ deleted: await knex('customers').where({ id: req.params.id }).delete() })
      })

      .get('/orders/:id/blame', async (req, res) => {
        res.json(await audit.blame('orders', req.params.id))
      })
      .get('/orders/:id/history', async (req, res) => {
        const events = audit.events().forTable('orders').forId(req.params.id)
        res.json(await events.orderBy('auditlog.id', 'desc').limit(20))
      })
  )
}
