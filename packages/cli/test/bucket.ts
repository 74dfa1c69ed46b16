import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll } from 'vitest'

/** An object, and what locks it. */
interface StoredObject {
  readonly text: string
  readonly mode: string | undefined
  readonly until: string | undefined
}

/** A server with one bucket, as far as digests need it: If-None-Match, locks, checksums, pages of two keys. */
export interface Bucket {
  readonly objects: ReadonlyMap<string, StoredObject>
  /** By which programs of AWS find it. */
  readonly environment: NodeJS.ProcessEnv
  /** What nobody but who owns the bucket may do. */
  readonly rules: { mayRead: boolean; isDown: boolean }
}

export async function fakeBucket(name: string): Promise<Bucket> {
  const objects = new Map<string, StoredObject>()
  const rules = { mayRead: true, isDown: false }
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    const key = decodeURIComponent(pathname).slice(name.length + 2)
    const answer = (status: number, body = '') => {
      response.writeHead(status, { 'content-type': 'application/xml' }).end(body)
    }
    const refuse = (status: number, code: string) =>
      answer(status, `<Error><Code>${code}</Code><Message>${code} is said here.</Message></Error>`)
    const body = await bodyOf(request)
    if (rules.isDown) return refuse(500, 'InternalError')
    if (!pathname.startsWith(`/${name}`)) return refuse(404, 'NoSuchBucket')
    if (request.method === 'PUT') {
      const { headers } = request
      const sum = createHash('sha256').update(body).digest('base64')
      if (headers['x-amz-checksum-sha256'] !== sum) return refuse(400, 'BadDigest')
      if (headers['if-none-match'] === '*' && objects.has(key)) {
        return refuse(412, 'PreconditionFailed')
      }
      objects.set(key, {
        text: body,
        mode: headers['x-amz-object-lock-mode'] as string | undefined,
        until: headers['x-amz-object-lock-retain-until-date'] as string | undefined,
      })
      return answer(200)
    }
    if (!rules.mayRead) return refuse(403, 'AccessDenied')
    if (key !== '') {
      const found = objects.get(key)
      return found ? answer(200, found.text) : refuse(404, 'NoSuchKey')
    }
    const after = searchParams.get('start-after') ?? ''
    const prefix = searchParams.get('prefix') ?? ''
    const keys = [...objects.keys()].filter((one) => one.startsWith(prefix) && one > after).sort()
    const page = keys.slice(0, 2).map((one) => `<Contents><Key>${one}</Key></Contents>`)
    answer(
      200,
      `<ListBucketResult><IsTruncated>${keys.length > 2}</IsTruncated>${page.join('')}</ListBucketResult>`,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  afterAll(() => server.close())
  const { port } = server.address() as AddressInfo
  return {
    objects,
    rules,
    environment: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'key',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_MAX_ATTEMPTS: '1',
      // the SDK has its own opinion about versions of Node
      NODE_NO_WARNINGS: '1',
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
