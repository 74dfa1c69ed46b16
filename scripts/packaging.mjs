// Packs every public package and lets publint and attw judge the very files that npm would publish.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const scratch = mkdtempSync(join(tmpdir(), 'auditrum-packaging-'))
try {
  for (const folder of readdirSync('packages')) {
    const manifest = JSON.parse(readFileSync(`packages/${folder}/package.json`, 'utf8'))
    if (manifest.private) continue
    run('npm', 'pack', '--silent', '--pack-destination', scratch, '-w', manifest.name)
    const tarball = join(
      scratch,
      `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`,
    )
    run('publint', 'run', tarball, '--strict')
    const dual = JSON.stringify(manifest.exports ?? {}).includes('"require"')
    run('attw', tarball, '--profile', dual ? 'node16' : 'esm-only')
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

function run(command, ...args) {
  // npm run puts node_modules/.bin first; on Windows these are .cmd files.
  const { status } = spawnSync(command, args, {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    console.error(`${command} ${args.join(' ')} failed.`)
    process.exitCode = 1
  }
}
