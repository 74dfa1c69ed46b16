import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { type ObjectStore, startCeph } from '../ceph.js'
import { installed, type Shop, shop } from '../support.js'

const isInstalled = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph'].every(installed)

describe.skipIf(!isInstalled)('a server with object lock that is not ours', () => {
  let store: ObjectStore
  let client: S3Client
  let it: Shop
  let environment: NodeJS.ProcessEnv
  beforeAll(async () => {
    store = await startCeph()
    const { endpoint, ...credentials } = store
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
    client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true })
    environment = {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_MAX_ATTEMPTS: '1',
    }
    await client.send(
      new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }),
    )
    await client.send(new CreateBucketCommand({ Bucket: 'plain' }))
    it = await shop()
    await it.pool.query('select auditrum.enable_sealing(); select auditrum.seal()')
    await it.cli(['digest', '--new-key', 'key.pem'])
  }, 180_000)

  const digest = (...more: string[]) =>
    it.cli(['digest', '--key', 'key.pem', '--to', 's3://locked/shop', ...more], environment)
  const verify = () =>
    it.cli(['verify-chain', '--public-key', 'key.pub', '--digest', 's3://locked/shop'], environment)

  test('keeps each digest, and nobody deletes, hides or replaces it', async () => {
    for (let round = 1; round <= 2; round += 1) {
      await it.pool.query(
        `update orders set total = ${round} where id = 42; select auditrum.seal()`,
      )
      expect(await digest('--lock-days', '30')).toMatchObject({ code: 0, stdout: '' })
    }
    const of = { Bucket: 'locked' }
    const { Versions = [] } = await client.send(new ListObjectVersionsCommand(of))
    expect(Versions).toHaveLength(2)
    for (const { Key, VersionId } of Versions) {
      const { Retention } = await client.send(
        new GetObjectRetentionCommand({ ...of, Key, VersionId }),
      )
      const days = (Number(Retention?.RetainUntilDate) - Date.now()) / 86_400_000
      expect([Retention?.Mode, Math.round(days)]).toEqual(['COMPLIANCE', 30])
      await expect(
        client.send(
          new DeleteObjectCommand({ ...of, Key, VersionId, BypassGovernanceRetention: true }),
        ),
      ).rejects.toThrow()
    }
    // that works, and proves nothing
    const [first, second] = Versions
    await client.send(new DeleteObjectCommand({ ...of, Key: first?.Key }))
    await client.send(new PutObjectCommand({ ...of, Key: second?.Key, Body: 'another' }))
    expect((await digest()).stderr).toBe('Nothing was sealed since the last digest.\n')
    expect((await verify()).stdout).toContain('2 digests checked')
  })

  test('is told apart from one that is not there, or lets nobody in', async () => {
    const told = async (more: readonly string[], other: NodeJS.ProcessEnv = {}) => {
      const args = ['digest', '--key', 'key.pem', ...more]
      const { code, stderr } = await it.cli(args, { ...environment, ...other })
      expect(code).toBe(2)
      return stderr
    }
    expect(await told(['--to', 's3://none'])).toContain('NoSuchBucket')
    expect(await told(['--to', 's3://plain', '--lock-days', '3'])).toContain('InvalidRequest')
    const to = ['--to', 's3://locked']
    expect(await told(to, { AWS_SECRET_ACCESS_KEY: 'wrong' })).toContain('SignatureDoesNotMatch')
    expect(await told(to, { AWS_ACCESS_KEY_ID: 'nobody' })).toContain('InvalidAccessKeyId')
  })
})
