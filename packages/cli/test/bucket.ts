import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An object, and what locks it. */
interface StoredObject {
  readonly text: string
  readonly mode: string | undefined
  readonly until: string | undefined
}

/** A server with one bucket, as far as digests need it: If-None-Match, versions, locks, checksums, pages of two keys. */
export interface Bucket {
  readonly objects: ReadonlyMap<string, StoredObject>
  /** By which programs of AWS find it. */
  readonly environment: NodeJS.ProcessEnv
  /** What nobody but who owns the bucket may do. */
  readonly rules: {
    mayRead: boolean
    mayListVersions: boolean
    isDown: boolean
    isPage?: boolean
    refusal?: string
  }
  /** Puts something in the place of an object, which stays as a version. */
  cover(key: string, text: string | undefined): void
}

export async function fakeBucket(name: string): Promise<Bucket> {
  const objects = new Map<string, StoredObject>()
  const rules: Bucket['rules'] = { mayRead: true, mayListVersions: true, isDown: false }
  /** What is in the place of an object now; undefined where it was deleted. */
  const covers = new Map<string, string | undefined>()
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    const key = decodeURIComponent(pathname).slice(name.length + 2)
    const answer = (status: number, body = '') => {
      response.writeHead(status, { 'content-type': 'application/xml' }).end(body)
    }
    // some servers say no more than the code
    const refuse = (status: number, code: string) =>
      answer(status, `<Error><Code>${code}</Code><Message></Message></Error>`)
    const body = await bodyOf(request)
    if (rules.isDown) return refuse(500, 'InternalError')
    // no store of objects at all
    if (rules.isPage) return answer(200, '<html></html>')
    if (rules.refusal) return refuse(403, rules.refusal)
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
      response.setHeader('etag', `"${sum}"`)
      return answer(200)
    }
    if (!rules.mayRead) return refuse(403, 'AccessDenied')
    if (key !== '') {
      const found = objects.get(key)
      if (covers.has(key) && !searchParams.has('versionId')) {
        const cover = covers.get(key)
        return cover === undefined ? refuse(404, 'NoSuchKey') : answer(200, cover)
      }
      return found ? answer(200, found.text) : refuse(404, 'NoSuchKey')
    }
    const ofVersions = searchParams.has('versions')
    if (ofVersions && !rules.mayListVersions) return refuse(403, 'AccessDenied')
    const after = searchParams.get(ofVersions ? 'key-marker' : 'start-after') ?? ''
    const prefix = searchParams.get('prefix') ?? ''
    const keys = [...objects.keys()]
      .filter((one) => one.startsWith(prefix) && one > after)
      .filter((one) => ofVersions || !covers.has(one) || covers.get(one) !== undefined)
      .sort()
    const isMore = `<IsTruncated>${keys.length > 2}</IsTruncated>`
    const page = keys.slice(0, 2)
    if (!ofVersions) {
      const listed = page.map((one) => `<Contents><Key>${one}</Key></Contents>`)
      return answer(200, `<ListBucketResult>${isMore}${listed.join('')}</ListBucketResult>`)
    }
    const version = (one: string, id: number, isLatest: boolean) =>
      `<Version><Key>${one}</Key><VersionId>${id}</VersionId><IsLatest>${isLatest}</IsLatest></Version>`
    const listed = page.map((one) => {
      const isCovered = covers.get(one) !== undefined
      return `${isCovered ? version(one, 2, true) : ''}${version(one, 1, !covers.has(one))}`
    })
    answer(
      200,
      `<ListVersionsResult>${isMore}<NextKeyMarker>${page.at(-1) ?? ''}</NextKeyMarker>${listed.join('')}</ListVersionsResult>`,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  const { port } = server.address() as AddressInfo
  return {
    objects,
    rules,
    cover: (key, text) => covers.set(key, text),
    environment: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'key',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_MAX_ATTEMPTS: '1',
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
