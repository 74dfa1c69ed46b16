import { readdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { verifierKey, verifyDigest } from '@auditrum/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Bucket, fakeBucket } from '../bucket.js'
import { installed, type Shop, shop } from '../support.js'

const openssl = installed('openssl')
const guide = readFileSync(new URL('../../../../docs/digests.md', import.meta.url), 'utf8')
const name = /^\d{12}-[0-9a-f]{12}-[0-9a-f]{8}\.digest$/

let it: Shop
/** Whose log is written anew by who can do it. */
let victim: Shop
let publicKey: string
beforeAll(async () => {
  it = await sealedShop()
  victim = await sealedShop()
  publicKey = file('key.pub')
})

/** A shop whose log is sealed, and a key. */
async function sealedShop(): Promise<Shop> {
  const made = await shop()
  await made.pool.query('select auditrum.enable_sealing()')
  await made.pool.query('select auditrum.seal()')
  const { code } = await made.shell('auditrum digest --new-key key.pem')
  expect(code).toBe(0)
  return made
}

/** One more block. */
async function sealMore({ pool }: Shop = it): Promise<void> {
  await pool.query('update orders set total = total + 1 where id = 42')
  await pool.query('select auditrum.seal()')
}

/** What who may do anything in the database does: another past, to the hash. */
async function rewrite({ pool }: Shop): Promise<void> {
  await pool.query(`
    update auditrum.audit_event set new = new || '{"total": 1000000}' where id = 3;
    delete from auditrum.audit_leaf; delete from auditrum.audit_seal where id > 0`)
  for (let block = 0; block < 3; block += 1) await pool.query('select auditrum.seal(1)')
}

function file(path: string, of = it): string {
  return readFileSync(join(of.folder, path), 'utf8')
}

function folder(path: string, of = it): readonly string[] {
  return readdirSync(join(of.folder, path)).sort()
}

describe('a key', () => {
  test('is made where nobody else may read it, and never over another one', async () => {
    expect(statSync(join(it.folder, 'key.pem')).mode & 0o777).toBe(0o600)
    expect(file('key.pem')).toMatch(/^-----BEGIN PRIVATE KEY-----/)
    expect(publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----/)
    const before = file('key.pem')
    const again = (name: string) => it.cli(['digest', '--new-key', name])
    expect(await again('key.pem')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('key.pem is there already'),
    })
    // its public half is the file of another key
    expect(await again('key')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('key.pub is there already'),
    })
    expect([file('key.pem'), file('key.pub')]).toEqual([before, publicKey])
    expect(folder('.')).not.toContain('key')
  })

  test('may be in the environment, and comes into no other program’s', async () => {
    const environment = { AUDITRUM_DIGEST_KEY: file('key.pem') }
    const { code } = await it.shell(`auditrum digest --exec 'cat > got; env > env'`, environment)
    expect(code).toBe(0)
    expect(verifyDigest(file('got'), publicKey).size).toBeGreaterThan(1)
    expect(file('env')).not.toContain('PRIVATE KEY')
  })

  test('is missed in words, and a locked one is told how to unlock', async () => {
    const without = await it.cli(['digest'])
    expect(without).toMatchObject({ code: 2 })
    expect(without.stderr).toContain('Give --key FILE, or its text in AUDITRUM_DIGEST_KEY')
    expect((await it.cli(['digest', '--key', 'none.pem'])).code).toBe(2)
    if (!openssl) return
    await it.shell('openssl pkey -in key.pem -aes256 -passout pass:x -out locked.pem')
    const locked = await it.cli(['digest', '--key', 'locked.pem'])
    expect(locked).toMatchObject({ code: 2 })
    expect(locked.stderr).toContain('is encrypted')
    const line =
      'openssl pkey -in locked.pem -passin pass:x | auditrum digest --key /dev/stdin > unlocked.digest'
    expect((await it.shell(line)).code).toBe(0)
    expect(verifyDigest(file('unlocked.digest'), publicKey)).toBeTruthy()
  })
})

test('goes to stdout; what the guide says about it verifies it without us', async () => {
  expect(await it.shell('auditrum digest --key key.pem > log.digest')).toMatchObject({
    code: 0,
    stderr: '',
  })
  const { log } = verifyDigest(file('log.digest'), publicKey)
  expect(file('log.digest').split('\n')[0]).toBe(`auditrum/${log}`)
  if (!openssl) return
  const [withOpenssl = '', verifier = ''] = [...guide.matchAll(/```sh\n([^`]*openssl[^`]*)```/g)]
    .map(([, text = '']) => text.replaceAll('digest-key.pub', 'key.pub'))
    .filter((text) => text.includes('log.digest'))
  expect((await it.shell(withOpenssl)).stdout).toContain('Signature Verified Successfully')
  await it.shell(`sed -i 's/^[0-9][0-9]*$/7/' log.digest; ${withOpenssl}`)
  expect((await it.shell(withOpenssl)).stdout).not.toContain('Signature Verified Successfully')
  expect((await it.shell(verifier)).stdout.trim()).toBe(verifierKey(file('log.digest'), publicKey))
})

describe('a folder', () => {
  test('gets a file for each digest, of which the last is the newest', async () => {
    const digest = () => it.cli(['digest', '--key', 'key.pem', '--to', 'kept/'])
    expect((await digest()).stderr).toMatch(
      /^A digest of \d+ entries is kept: kept\/\d+-\w+-\w+\.digest\n$/,
    )
    await sealMore()
    expect((await digest()).code).toBe(0)
    const names = folder('kept')
    expect(names).toEqual([expect.stringMatching(name), expect.stringMatching(name)])
    const [first, second] = names.map((each) => verifyDigest(file(`kept/${each}`), publicKey).size)
    expect(second).toBe(Number(first) + 1)
    // nothing new, nothing written
    expect((await digest()).stderr).toBe('Nothing was sealed since the last digest.\n')
    expect(folder('kept')).toEqual(names)
  })

  test('of another log, or with another key’s digests, is refused', async () => {
    await it.cli(['digest', '--key', 'key.pem', '--to', 'foreign/'])
    const to = ['--to', join(it.folder, 'foreign')]
    const elsewhere = await victim.cli(['digest', '--key', join(it.folder, 'key.pem'), ...to])
    expect(elsewhere).toMatchObject({ code: 1 })
    expect(elsewhere.stderr).toContain("or the digest is another log's")
    await it.shell('auditrum digest --new-key new.pem')
    const unknown = await it.cli(['digest', '--key', 'new.pem', ...to])
    expect(unknown).toMatchObject({ code: 1 })
    expect(unknown.stderr).toContain('Give the public key of who signed it')
    const known = () => it.cli(['digest', '--key', 'new.pem', '--public-key', 'key.pub', ...to])
    // of the same entries: beside the other key's
    expect((await known()).stderr).toContain('is kept: ')
    const names = folder('foreign')
    expect(names).toEqual([expect.stringMatching(name), expect.stringMatching(name)])
    const signed = (by: string) =>
      names.filter((each) => {
        try {
          return verifyDigest(file(`foreign/${each}`), file(by))
        } catch {
          return false
        }
      })
    expect([...signed('key.pub'), ...signed('new.pub')].sort()).toEqual(names)
    expect((await known()).stderr).toBe('Nothing was sealed since the last digest.\n')
    // as digests were called before the key was in their names
    const [own = ''] = signed('new.pub')
    for (const each of names) {
      const former = each === own ? own.replace(/-\w{8}\.digest$/, '.digest') : `${each}.other`
      renameSync(join(it.folder, 'foreign', each), join(it.folder, 'foreign', former))
    }
    expect((await known()).stderr).toBe('Nothing was sealed since the last digest.\n')
  })
})

test('a file holds the newest digest, and is not taken for one where it holds something else', async () => {
  const digest = (to: string) => it.cli(['digest', '--key', 'key.pem', '--to', to])
  expect((await digest('newest.digest')).code).toBe(0)
  const first = file('newest.digest')
  await sealMore()
  expect((await digest('newest.digest')).code).toBe(0)
  expect(file('newest.digest')).not.toBe(first)
  it.write('notes.txt', 'do not overwrite me\n')
  expect(await digest('notes.txt')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('notes.txt is no digest, and lies where'),
  })
  expect(file('notes.txt')).toBe('do not overwrite me\n')
  expect((await digest('notes.txt/below/')).stderr).toContain('Digests cannot be kept in')
})

test('a command that fails is a failure, also where it did not read', async () => {
  const exec = (command: string) => it.cli(['digest', '--key', 'key.pem', '--exec', command])
  expect(await exec('echo not today; exit 3')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^not today\n.*failed: it exited with 3/s),
  })
  expect(await exec('true')).toMatchObject({ code: 0, stderr: '' })
  expect((await exec('kill -9 $$')).stderr).toContain('failed: SIGKILL')
})

describe('--every', () => {
  test('goes on after a failure, signs what is new, and ends with 0 when told to', async () => {
    const run = `auditrum digest --key key.pem --every 1s --to kept/ --exec 'test -e tried || { touch tried; exit 1; }'`
    const first = 'until ls kept/*.digest; do sleep 0.1; done; touch sealed'
    const second = 'until test $(ls kept | wc -l) = 2; do sleep 0.1; done'
    const rounds = victim.shell(
      `${run} & pid=$!; (${first}; ${second}) > /dev/null 2>&1; kill $pid; wait $pid`,
    )
    while (!folder('.', victim).includes('sealed')) await new Promise((go) => setTimeout(go, 50))
    await sealMore(victim)
    const { code, stderr } = await rounds
    expect(stderr).toMatch(
      /^auditrum: 20\S+ \S+Z {2}The command that was to take the digest failed: .* 1\./,
    )
    expect(stderr.match(/is kept/g)).toHaveLength(2)
    expect(stderr.match(/It works again/g)).toHaveLength(1)
    expect(code).toBe(0)
  })

  test('is a time', async () => {
    expect(await it.cli(['digest', '--key', 'key.pem', '--every', '25d'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Give a time such as 30s'),
    })
  })
})

describe('a bucket', () => {
  let bucket: Bucket
  beforeAll(async () => {
    bucket = await fakeBucket('audit')
  })
  const digest = (...more: string[]) =>
    it.cli(['digest', '--key', 'key.pem', ...more], bucket.environment)

  test('gets an object for each digest, locked for so long', async () => {
    for (let round = 1; round <= 4; round += 1) {
      await sealMore()
      const { code, stderr } = await digest('--to', 's3://audit/shop', '--lock-days', '30')
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringMatching(/is kept: s3:\/\/audit\/shop\/\d+-\w+-\w+\.digest\n$/),
      })
    }
    const keys = [...bucket.objects.keys()]
    expect(keys).toHaveLength(4)
    expect(keys.map((key) => key.slice('shop/'.length))).toEqual(
      keys.map(() => expect.stringMatching(name)),
    )
    for (const { text, mode, until = '' } of bucket.objects.values()) {
      expect(verifyDigest(text, publicKey)).toBeTruthy()
      expect(mode).toBe('COMPLIANCE')
      const days = (Date.parse(until) - Date.now()) / 86_400_000
      expect(Math.round(days)).toBe(30)
    }
    // read back, over several pages
    expect((await digest('--to', 's3://audit/shop/')).stderr).toContain('Nothing was sealed')
    expect(bucket.objects.size).toBe(4)
  })

  test('may be one that can be written and not read', async () => {
    bucket.rules.mayRead = false
    const { code, stderr } = await digest('--to', 's3://audit/blind')
    expect(code).toBe(0)
    expect(stderr).toContain('may not be read')
    // the same again: the object that is there stays
    expect((await digest('--to', 's3://audit/blind')).code).toBe(0)
    expect([...bucket.objects.keys()].filter((key) => key.startsWith('blind/'))).toHaveLength(1)
    bucket.rules.mayRead = true
    // wrong credentials are no such case
    bucket.rules.refusal = 'SignatureDoesNotMatch'
    const refused = await digest('--to', 's3://audit/blind')
    expect(refused).toMatchObject({ code: 2 })
    expect(refused.stderr).toMatch(/^auditrum: Digests cannot be kept .*: SignatureDoesNotMatch\./)
    delete bucket.rules.refusal
  })

  test('shows what somebody has hidden in it, or laid over it', async () => {
    const keys = [...bucket.objects.keys()].filter((key) => key.startsWith('shop/')).sort()
    const verify = () =>
      it.cli(
        ['verify-chain', '--public-key', 'key.pub', '--digest', 's3://audit/shop'],
        bucket.environment,
      )
    expect((await verify()).stdout).toContain(`${keys.length} digests checked`)
    bucket.cover(keys[0] ?? '', 'something else')
    for (const key of keys.slice(1)) bucket.cover(key, undefined)
    expect((await verify()).stdout).toContain(`${keys.length} digests checked`)
    expect((await digest('--to', 's3://audit/shop')).stderr).toBe(
      'Nothing was sealed since the last digest.\n',
    )
    // without the right to see versions what is there now is all there is, and that is said
    bucket.rules.mayListVersions = false
    const { code, stderr } = await verify()
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /^auditrum: Versions in s3:\/\/audit\/shop may not be listed.*\n.*is no signed note/,
    )
    bucket.rules.mayListVersions = true
  })

  test('that fails, is not there or not named is said in a line', async () => {
    bucket.rules.isDown = true
    expect(await digest('--to', 's3://audit/shop')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^auditrum: Digests cannot be kept in or read from s3:\S+: InternalError\. .*\n$/,
      ),
    })
    bucket.rules.isDown = false
    bucket.rules.isPage = true
    expect(await digest('--to', 's3://audit/shop')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('nothing may be kept'),
    })
    delete bucket.rules.isPage
    expect((await digest('--to', 's3://none')).stderr).toContain('NoSuchBucket')
    for (const to of ['s3://', 's3:audit', 'S3://audit'])
      expect((await digest('--to', to)).stderr).toContain('names no bucket')
    expect((await digest('--to', 'gs://audit')).stderr).toContain('is no place for digests')
    expect((await digest('--to', 's3://audit/shop', '--lock-days', '99999')).stderr).toContain(
      'Give at most 36500 days',
    )
    expect((await digest('--to', 'kept/', '--lock-days', '3')).stderr).toContain(
      '--lock-days is for a bucket',
    )
  })

  test('takes a package, and says which', async () => {
    const hook = `export function resolve(name, context, next) {
      if (!name.startsWith('@aws-sdk/client-s3')) return next(name, context)
      throw Object.assign(new Error(name), { code: 'ERR_MODULE_NOT_FOUND' })
    }`
    const register = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)})`
    it.write('without.mjs', register)
    expect(
      await it.cli(['digest', '--key', 'key.pem', '--to', 's3://audit'], {
        NODE_OPTIONS: `--import ${join(it.folder, 'without.mjs')}`,
      }),
    ).toMatchObject({
      code: 2,
      stderr:
        'auditrum: Digests in a bucket take a package that is not installed. Add it: npm install @aws-sdk/client-s3.\n',
    })
  })
})

describe('once the chain was rewritten', () => {
  const digest = (...more: string[]) =>
    victim.cli(['digest', '--key', 'key.pem', ...more], bucket.environment)
  let bucket: Bucket
  let rounds: Promise<{ readonly code: number | null; readonly stderr: string }>
  beforeAll(async () => {
    bucket = await fakeBucket('audit')
    await victim.shell('auditrum digest --key key.pem > before.digest')
    await digest('--to', 'before/')
    await digest('--to', 's3://audit')
    expect(await digest('--previous', 'before.digest')).toMatchObject({ code: 0 })
    rounds = digest('--every', '1s', '--exec', 'touch round')
    while (!folder('.', victim).includes('round')) await new Promise((go) => setTimeout(go, 50))
    await rewrite(victim)
  })

  test.for([
    ['the digest that is named', ['--previous', 'before.digest'], 'before.digest'],
    ['what is in a folder', ['--to', 'before/'], 'before/0'],
    ['what is in a bucket', ['--to', 's3://audit'], 's3://audit/0'],
  ] as const)('nothing is signed behind %s', async ([, options, name]) => {
    expect(await digest(...options)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(`The digest ${name}.* was signed over other entries`),
    })
    expect(folder('before', victim)).toHaveLength(1)
    expect(bucket.objects.size).toBe(1)
  })

  test('rounds of it end with 1', async () => {
    expect(await rounds).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /auditrum: 20\S+ \S+Z {2}.* was signed over other entries.*\n$/,
      ),
    })
  })
})

describe('a proof', () => {
  test('is made of an event, and verified where there is no database', async () => {
    await it.shell('auditrum digest --key key.pem > log.digest')
    const { rows } = await it.pool.query(
      `select min(id) as id from auditrum.auditlog where table_name = 'orders' and operation = 'update'`,
    )
    const id = String(rows[0].id)
    expect(
      await it.cli(['prove', id, '--digest', 'log.digest', '--output', 'event.proof']),
    ).toMatchObject({ code: 0, stdout: '' })
    const verify = (...more: string[]) =>
      it.cli(['verify-proof', 'event.proof', '--public-key', 'key.pub', ...more], {
        DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      })
    const { stdout } = await verify()
    const lines = stdout.split('\n').map((line) => line.trim())
    expect(lines[0]).toBe(`event ${id}  update orders 42  proven`)
    expect(lines[1]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z {2}bob {2}Payment received$/)
    expect(stdout).toMatch(/status +new -> paid/)
    expect(stdout).toMatch(
      /Sealed by entry 1 at 20.*Z \(role \w+\), in a block of \d+ events of public.customers, public.order_items, public.orders\./,
    )
    expect(stdout).toMatch(/Proven by the digest of \d+ entries of the log [0-9a-f-]{36}\./)
    const { event, digest } = JSON.parse((await verify('--json')).stdout)
    expect(event).toMatchObject({ id, new: { status: 'paid' }, context: { userId: 'bob' } })
    expect(digest).toEqual(verifyDigest(file('log.digest'), publicKey))

    it.write('event.proof', file('event.proof').replace('paid', 'void'))
    expect(await verify()).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('The proof does not hold'),
    })
  })

  test('without a digest is verified with one of the same time', async () => {
    await it.shell('auditrum digest --key key.pem > log.digest; auditrum prove 1 > 1.proof')
    const verify = 'auditrum verify-proof 1.proof --public-key key.pub'
    expect((await it.shell(verify)).stderr).toContain('has no digest in it')
    expect(await it.shell(`${verify} --digest log.digest`)).toMatchObject({ code: 0 })
  })

  test('that went through Windows is one still; a digest is not, and how to mend it is said', async () => {
    await it.shell(
      'auditrum digest --key key.pem > log.digest; auditrum prove 1 --digest log.digest > 1.proof; for it in key.pub 1.proof log.digest; do sed "s/$/\\r/" $it > windows.$it; done',
    )
    const { code } = await it.cli([
      'verify-proof',
      'windows.1.proof',
      '--public-key',
      'windows.key.pub',
    ])
    expect(code).toBe(0)
    const verify = ['verify-chain', '--public-key', 'windows.key.pub', '--digest']
    const refused = await it.cli([...verify, 'windows.log.digest'])
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    const mend = refused.stderr.match(/tr -d "\\r" < /)?.[0]
    expect((await it.shell(`${mend} windows.log.digest > mended.digest`)).code).toBe(0)
    expect((await it.cli([...verify, 'mended.digest'])).code).toBe(0)
    // a folder of them, as the guide says
    await it.shell(
      'mkdir received; for n in 1 2 3; do cp windows.log.digest received/$n.digest; done',
    )
    expect((await it.cli([...verify, 'received'])).stderr).toMatch(
      /^auditrum: "received\/1.digest": .* The same is true of 2 more of the digests\.\n$/,
    )
    const [, recipe = ''] = guide.match(/```sh\n(mkdir mended\n[^`]*)```/) ?? []
    expect((await it.shell(recipe)).code).toBe(0)
    expect((await it.cli([...verify, 'mended'])).code).toBe(0)
  })

  test('is refused of what is not sealed', async () => {
    await it.pool.query('update orders set total = total + 1 where id = 42')
    const { events } = await it.audit.page({ limit: 1 })
    expect(await it.cli(['prove', String(events[0]?.id)])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('it is not sealed yet'),
    })
  })
})
