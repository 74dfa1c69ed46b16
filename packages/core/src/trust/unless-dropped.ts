import { sqlStateOf } from '../errors.js'

/** Undefined where retention has dropped the partition meanwhile. */
export async function unlessDropped<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (sqlStateOf(error) === '42P01') return undefined
    throw error
  }
}
