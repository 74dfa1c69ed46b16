import { afterAll, inject } from 'vitest'
import { createDatabase, type Database, type DatabaseOptions } from './database.ts'
import { attach, type Server } from './server.ts'

/** The server of the project that the running test file belongs to. */
export function testServer(): Server {
  const provided = inject('postgres')
  if (!provided) {
    throw new Error(
      'This test file has no PostgreSQL server. Include it in postgresProjects() of vitest.config.ts.',
    )
  }
  return attach(provided.connection)
}

/**
 * A fresh database for a test file, dropped after its last test.
 *
 * @example
 * ```ts
 * const database = await testDatabase()
 *
 * test('counts', async () => {
 *   const { rows } = await database.query('select 1 as one')
 *   expect(rows).toEqual([{ one: 1 }])
 * })
 * ```
 */
export async function testDatabase(options: DatabaseOptions = {}): Promise<Database> {
  const database = await createDatabase(testServer(), options)
  afterAll(() => database.drop())
  return database
}
