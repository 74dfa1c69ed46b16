import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createDatabase } from '@auditrum/testkit'
import { testServer } from '@auditrum/testkit/vitest'
import { DataTypes } from 'sequelize'
import { SequelizeStorage, Umzug } from 'umzug'
import { afterAll, describe, expect, test } from 'vitest'
import { auditrum, migrationFiles } from '../src/index.js'
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

/** A folder of migrations, and sequelize-cli on it. */
async function commandLine(url: string) {
  const folder = await mkdtemp(join(tmpdir(), 'auditrum-'))
  afterAll(() => rm(folder, { recursive: true }))
  await symlink(join(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules'))
  const require = createRequire(import.meta.url)
  const program = require.resolve('sequelize-cli/lib/sequelize')
  return {
    folder,
    run: (command: string) =>
      promisify(execFile)(
        process.execPath,
        [program, command, '--url', url, '--migrations-path', folder],
        { cwd: folder },
      ),
  }
}

// what runs there is the same on every version
describe.runIf(version === newest)('sequelize-cli', () => {
  test('runs a migration that tracks tables', async () => {
    const { database, sequelize, audit } = await empty()
    const cli = await commandLine(database.url)
    await writeFile(
      join(cli.folder, '20260101000000-audit.cjs'),
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
    await cli.run('db:migrate')
    await as('anna', () => sequelize.query('insert into notes (seen) values (1)'))
    await sequelize.query('update notes set seen = 2')
    expect((await audit.page()).events.map(({ userId }) => userId)).toEqual(['anna'])
    await cli.run('db:migrate:undo')
    const { rows } = await database.query(`select to_regnamespace('auditrum') as log`)
    expect(rows).toEqual([{ log: null }])
  })

  test('and umzug run the migration of what plan found', async () => {
    const { database, sequelize, Note, audit } = await empty()
    await Note.sync()
    const cli = await commandLine(database.url)
    const [file] = migrationFiles(await audit.migration(), {
      for: 'sequelize',
      name: 'track notes',
    })
    const path = join(cli.folder, file?.name ?? '')
    await writeFile(path, file?.text ?? '')
    const pending = async () =>
      (await audit.plan()).map(({ action }) => action).filter((action) => action !== 'none')
    const planned = await pending()
    await cli.run('db:migrate')
    expect(await pending()).toEqual([])
    await as('anna', () => Note.create({ text: 'x' }))
    expect((await audit.page()).events.map(({ userId }) => userId)).toEqual(['anna'])
    await cli.run('db:migrate:undo')
    expect(await pending()).toContain('install')
    const umzug = new Umzug({
      migrations: { glob: path },
      context: sequelize.getQueryInterface(),
      storage: new SequelizeStorage({ sequelize }),
      logger: undefined,
    })
    await umzug.up()
    expect(await pending()).toEqual([])
    expect(planned).toContain('install')
  })
})
