import { hash } from 'node:crypto'
import { UsageError } from '@auditrum/core'
import type { S3ServiceException } from '@aws-sdk/client-s3'
import { isDigestName, PlaceError } from './place.js'

const DAY = 86_400_000
/** How long a listing, an object and the like may take, in milliseconds. */
const PATIENCE = 120_000
/** S3 locks nothing for longer. */
const MOST_DAYS = 36_500

/**
 * A bucket of S3, or of what speaks its protocol, with digests below a prefix. Where and who is as for
 * every program of AWS: AWS_REGION, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID …
 */
export interface Bucket {
  /** `s3://bucket/prefix/` */
  readonly url: string
  /** The digests there. `hidden` is whether those are missing that were deleted, which leaves a locked one as it is. */
  list(): Promise<{ readonly digests: readonly StoredDigest[]; readonly hidden: boolean }>
  read(digest: StoredDigest): Promise<string>
  /** Unless there is one of this name, where the server knows how to say so. */
  put(name: string, text: string, lockDays: number | undefined): Promise<void>
}

/** An object of that name; of several versions of it the first, for what is put over it later, or deletes it, proves nothing. */
interface StoredDigest {
  readonly name: string
  /** Where it is not the present one. */
  readonly version?: string
}

/** What ends a request. */
interface Until {
  readonly abortSignal: AbortSignal
}

/** That this account may not do what was asked for, while the server knows it. */
export class NotAllowed extends PlaceError {}

/** Whether a place is a bucket, also one that is not well written. */
export function isBucket(place: string): boolean {
  return /^s3:/i.test(place)
}

/**
 * @param url `s3://bucket/prefix`
 * @throws UsageError where it names no bucket, or the package for it is missing.
 */
export async function openBucket(url: string): Promise<Bucket> {
  const [, name, rest = ''] = /^s3:\/\/([^/\s]+)(?:\/(.*))?$/s.exec(url) ?? []
  if (name === undefined)
    throw new UsageError(`${url} names no bucket. Give it as s3://bucket/prefix.`)
  const prefix = rest === '' || rest.endsWith('/') ? rest : `${rest}/`
  const of = { Bucket: name, Prefix: prefix }
  const sdk = await load()
  const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 = AWS_ENDPOINT_URL } = process.env
  const client = new sdk.S3Client({
    // servers other than Amazon's know neither its names of hosts nor its newer checksums
    ...(AWS_ENDPOINT_URL_S3 && { forcePathStyle: true }),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 10_000,
      requestTimeout: 30_000,
      throwOnRequestTimeout: true,
    },
  })

  async function told<T>(work: (until: Until) => Promise<T>): Promise<T> {
    const ending = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no whole answer came within ${PATIENCE / 1000} seconds`))
        // an answer that has begun and does not end holds its connection, and so this process
        ending.abort()
        client.destroy()
      }, PATIENCE)
    })
    try {
      return await Promise.race([work({ abortSignal: ending.signal }), late])
    } catch (cause) {
      const Kind = codeOf(cause) === 'AccessDenied' ? NotAllowed : PlaceError
      throw new Kind(
        `Digests cannot be kept in or read from ${url}: ${reasonOf(cause)}. Check the bucket, its rights, and the region, endpoint and credentials in the AWS_ variables.`,
        { cause },
      )
    } finally {
      clearTimeout(timer)
    }
  }

  async function versions(until: Until): Promise<readonly StoredDigest[]> {
    const first = new Map<string, StoredDigest>()
    let after: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {}
    for (let isMore = true; isMore; ) {
      const page = await client.send(new sdk.ListObjectVersionsCommand({ ...of, ...after }), until)
      // of each key from the newest to the oldest
      for (const { Key = '', VersionId, IsLatest } of page.Versions ?? []) {
        const name = Key.slice(prefix.length)
        const isPresent = IsLatest === true || VersionId === undefined
        if (isDigestName(name)) first.set(name, isPresent ? { name } : { name, version: VersionId })
      }
      after = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
      isMore = page.IsTruncated === true && after.KeyMarker !== undefined
    }
    return [...first.values()]
  }

  async function present(until: Until): Promise<readonly StoredDigest[]> {
    const found: StoredDigest[] = []
    let after: string | undefined
    for (let isMore = true; isMore; ) {
      const page = await client.send(
        new sdk.ListObjectsV2Command({ ...of, ...(after !== undefined && { StartAfter: after }) }),
        until,
      )
      const keys = (page.Contents ?? []).map(({ Key = '' }) => Key)
      const names = keys.map((key) => key.slice(prefix.length))
      found.push(...names.filter(isDigestName).map((name) => ({ name })))
      after = keys.at(-1)
      isMore = page.IsTruncated === true && after !== undefined
    }
    return found
  }

  return {
    url: `s3://${name}/${prefix}`,
    list: () =>
      told(async (until) => {
        try {
          return { digests: await versions(until), hidden: false }
        } catch (error) {
          // a right of its own; and not every server keeps versions
          if (!/^(AccessDenied|NotImplemented|MethodNotAllowed)$/.test(codeOf(error) ?? ''))
            throw error
          return { digests: await present(until), hidden: true }
        }
      }),
    read: ({ name: digest, version }) =>
      told(async (until) => {
        const object = await client.send(
          new sdk.GetObjectCommand({
            Bucket: name,
            Key: `${prefix}${digest}`,
            ...(version !== undefined && { VersionId: version }),
          }),
          until,
        )
        return (await object.Body?.transformToString('utf-8')) ?? ''
      }),
    put: (digest, text, lockDays) =>
      told(async (until) => {
        try {
          const { ETag } = await client.send(
            new sdk.PutObjectCommand({
              Bucket: name,
              Key: `${prefix}${digest}`,
              Body: text,
              ContentType: 'text/plain; charset=utf-8',
              // what locks an object asks for a checksum
              ChecksumSHA256: hash('sha256', text, 'base64'),
              IfNoneMatch: '*',
              ...(lockDays !== undefined && {
                ObjectLockMode: 'COMPLIANCE',
                ObjectLockRetainUntilDate: new Date(Date.now() + lockDays * DAY),
              }),
            }),
            until,
          )
          if (ETag === undefined) {
            throw new Error('the answer names no ETag, as that of S3 does, so nothing may be kept')
          }
        } catch (error) {
          // the very digest, kept before
          if ((error as Partial<S3ServiceException>).$metadata?.httpStatusCode !== 412) throw error
        }
      }),
  }
}

/** What a listing without versions may lack, in words. */
export function hiddenIn(url: string): string {
  return `Versions in ${url} may not be listed, so a digest that somebody has hidden by deleting it is not seen. Grant s3:ListBucketVersions.`
}

/** @throws UsageError where nothing can be locked for so long. */
export function checkLockDays(days: number): void {
  if (days <= MOST_DAYS) return
  throw new UsageError(`--lock-days: ${days} is too long. Give at most ${MOST_DAYS} days.`)
}

async function load() {
  // which versions of Node it is for, the package says when it is installed
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
  try {
    return await import('@aws-sdk/client-s3')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new UsageError(
      'Digests in a bucket take a package that is not installed. Add it: npm install @aws-sdk/client-s3.',
      { cause },
    )
  }
}

/** What the server calls an error; undefined where it came to no answer. */
function codeOf(error: unknown): string | undefined {
  const { name, $metadata } = error as Partial<S3ServiceException>
  return $metadata?.httpStatusCode === undefined ? undefined : name
}

function reasonOf(error: unknown): string {
  const code = codeOf(error)
  const message = (error as Error).message.replace(/\.$/, '')
  if (code === undefined) return message
  // of an error without words the package says this
  return message === '' || message === 'UnknownError' || message === code
    ? code
    : `${message} (${code})`
}
