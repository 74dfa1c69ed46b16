import { hash } from 'node:crypto'
import { UsageError } from '@auditrum/core'
import type { PutObjectCommandInput, S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import { type DigestPlace, newestName, PlaceError } from './place.js'

const DAY = 86_400_000

/**
 * A bucket of S3, or of what speaks its protocol: an object for each digest. Where and who is as for
 * every program of AWS: AWS_REGION, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID …
 *
 * @param url `s3://bucket/prefix`
 * @param lockDays For how long nobody may delete an object, the owner of the account included.
 * @param warn Hears that digests cannot be read back.
 */
export async function bucket(
  url: string,
  lockDays: number | undefined,
  warn: (message: string) => void,
): Promise<DigestPlace> {
  const [, name, rest = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(url) ?? []
  if (name === undefined) {
    throw new UsageError(`${url} names no bucket. Give --to s3://bucket/prefix.`)
  }
  const prefix = rest === '' || rest.endsWith('/') ? rest : `${rest}/`
  const sdk = await load()
  const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 = AWS_ENDPOINT_URL } = process.env
  const client: S3Client = new sdk.S3Client({
    // servers other than Amazon's know neither its names of hosts nor its newer checksums
    ...(AWS_ENDPOINT_URL_S3 && { forcePathStyle: true }),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const failed = (cause: unknown) => {
    const { message, name: kind } = cause as Error
    return new PlaceError(
      `Digests cannot be kept in ${url}: ${(message || kind).replace(/\.$/, '')}. Check the bucket, and the region, endpoint and credentials in the AWS_ variables.`,
      { cause },
    )
  }
  /** Keys come in the order of their names, a thousand at a time. */
  const newestKey = async (signer: string) => {
    let newest: string | undefined
    let after: string | undefined
    for (let isMore = true; isMore; ) {
      const page = await client.send(
        new sdk.ListObjectsV2Command({
          Bucket: name,
          Prefix: prefix,
          ...(after !== undefined && { StartAfter: after }),
        }),
      )
      const keys = (page.Contents ?? []).map(({ Key = '' }) => Key)
      const names = keys.map((key) => key.slice(prefix.length))
      // those of one size may be on two pages
      newest = newestName(newest === undefined ? names : [newest, ...names], signer)
      after = keys.at(-1)
      isMore = page.IsTruncated === true && after !== undefined
    }
    return newest
  }
  let isReadable = true
  return {
    async newest(signer) {
      if (!isReadable) return undefined
      try {
        const newest = await newestKey(signer)
        if (newest === undefined) return undefined
        const key = `${prefix}${newest}`
        const object = await client.send(new sdk.GetObjectCommand({ Bucket: name, Key: key }))
        const text = (await object.Body?.transformToString('utf-8')) ?? ''
        return { name: `s3://${name}/${key}`, text }
      } catch (error) {
        if (statusOf(error) !== 403) throw failed(error)
        isReadable = false
        warn(
          `What is in ${url} may not be read, so whether the chain leads to the digests there is not checked here. verify-chain does, with a copy of them.`,
        )
        return undefined
      }
    },
    async keep(digest, text) {
      const input: PutObjectCommandInput = {
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
      }
      try {
        await client.send(new sdk.PutObjectCommand(input))
      } catch (error) {
        // the very digest, kept before
        if (statusOf(error) !== 412) throw failed(error)
      }
      return `s3://${name}/${prefix}${digest}`
    },
  }
}

async function load() {
  try {
    return await import('@aws-sdk/client-s3')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new UsageError(
      'Keeping digests in a bucket takes a package that is not installed. Add it: npm install @aws-sdk/client-s3.',
      { cause },
    )
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as Partial<S3ServiceException>).$metadata?.httpStatusCode
}
