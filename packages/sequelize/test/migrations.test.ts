import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createDatabase } from '@auditrum/testkit'
import { testServer } from '@auditrum/testkit/vitest'
import { DataTypes } from 'sequelize'
import { SequelizeStorage, Umzug } from 'umzug'
import { afterAll, describe, expect, test } from 'vitest'
import { auditrum, track } from '../src/index.js'
import { as, connect, newest, version } from './support.js'

async function empty() {
  const database = await createDatabase(testServer())
  afterAll(() => database.drop())
  const sequelize = connect(database.url)
  const Note = sequelize.define('Note', { text: DataTypes.TEXT }, { timestamps: false })
  const audit = auditrum(sequelize, { maintain: false })
  audit.track(Note, { meta: ['text'] })
  const migrations = (up: () => Promise<unknown>, name: string) =>
    new Umzug({
      migrations: [{ name, up, down: () => audit.uninstall() }],
      context: sequelize.getQueryInterface(),
      storage: new SequelizeStorage({ sequelize }),
      logger: undefined,
    })
  return { database, sequelize, Note, audit, migrations }
}

describe('umzug', () => {
  test('installs on the Sequelize of the migration, and is taken back', async () => {
    const { sequelize, Note, audit, migrations } = await empty()
    const queryInterface = sequelize.getQueryInterface()
    const umzug = migrations(async () => {
      await queryInterface.createTable('Notes', Note.getAttributes())
      expect((await audit.install(queryInterface)).installed).toEqual(['public.Notes'])
    }, '1-notes')
    await umzug.up()
    await as('anna', () => Note.create({ text: 'x' }))
    expect((await audit.page()).events[0]).toMatchObject({ userId: 'anna', meta: { text: 'x' } })
    await umzug.down()
    await Note.create({ text: 'unseen' })
    expect((await audit.page()).events).toHaveLength(1)
  })

  test('installs in a transaction, all or nothing', async () => {
    const { database, sequelize, Note, audit, migrations } = await empty()
    const queryInterface = sequelize.getQueryInterface()
    let fails = true
    const umzug = migrations(
      () =>
        sequelize.transaction(async (transaction) => {
          await queryInterface.createTable('Notes', Note.getAttributes(), { transaction })
          await audit.install(transaction)
          if (fails) throw new Error('taken back')
        }),
      '1-notes',
    )
    await expect(umzug.up()).rejects.toThrow('taken back')
    const { rows } = await database.query(`select to_regnamespace('auditrum') as log`)
    expect(rows).toEqual([{ log: null }])
    fails = false
    await umzug.up()
    await as('anna', () => Note.create({ text: 'x' }))
    expect((await audit.page()).events).toHaveLength(1)
  })
})

test.runIf(version === newest)('sequelize-cli runs a migration that tracks tables', async () => {
  const { database, sequelize, audit } = await empty()
  const folder = await mkdtemp(join(tmpdir(), 'auditrum-'))
  afterAll(() => rm(folder, { recursive: true }))
  await writeFile(
    join(folder, '20260101000000-audit.cjs'),
    `const { Auditrum, queryableOf, track } = require('@auditrum/sequelize')
     const auditOf = (queryInterface) =>
       new Auditrum(queryableOf(queryInterface), { tables: [track('notes', { ignore: ['seen'] })] })
     module.exports = {
       async up(queryInterface, { DataTypes }) {
         await queryInterface.createTable('notes', {
           id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
           seen: DataTypes.INTEGER,
         })
         await auditOf(queryInterface).sync()
       },
       async down(queryInterface) {
         await auditOf(queryInterface).uninstall({ keepLog: false })
         await queryInterface.dropTable('notes')
       },
     }`,
  )
  const require = createRequire(import.meta.url)
  const cli = (command: string) =>
    promisify(execFile)(
      process.execPath,
      [
        require.resolve('sequelize-cli/lib/sequelize'),
        command,
        '--url',
        database.url,
        '--migrations-path',
        folder,
      ],
      {
        cwd: import.meta.dirname,
        env: { ...process.env, NODE_PATH: join(import.meta.dirname, '../../../node_modules') },
      },
    )
  await cli('db:migrate')
  await as('anna', () => sequelize.query('insert into notes (seen) values (1)'))
  await sequelize.query('update notes set seen = 2')
  expect((await audit.page()).events.map(({ userId }) => userId)).toEqual(['anna'])
  await cli('db:migrate:undo')
  const { rows } = await database.query(`select to_regnamespace('auditrum') as log`)
  expect(rows).toEqual([{ log: null }])
  expect(track('notes').kind).toBe('track')
})
