// Imports run downwards only. These tables say what may import what; everything else is an error.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import ts from 'typescript'

const packages = {
  core: [],
  viewer: ['core'],
  pg: ['core'],
  // the testkit is bundled: the demo starts the same server
  cli: ['core', 'pg', 'viewer', 'testkit'],
  testkit: [],
}
const adapter = ['core', 'pg']

// The chapters of core, each a folder of packages/core/src. Every chapter may import the ground:
// sql/ and the files beside index.ts and auditrum.ts, which in turn may import everything.
const chapters = {
  declare: [],
  context: [],
  install: ['declare', 'observe'],
  read: ['declare'],
  undo: ['context', 'read'],
  keep: ['declare', 'install'],
  trust: ['context', 'declare', 'read'],
  observe: [],
}
const facade = [
  'index.ts',
  'adapter.ts',
  'proof.ts',
  'auditrum.ts',
  'audit-keeper.ts',
  'audit-reader.ts',
  'audit-sealer.ts',
  'auditrum-options.ts',
]

const root = new URL('../', import.meta.url)
const violations = [
  ...list('packages').flatMap((name) => sources(`packages/${name}/src`).flatMap(checkPackage)),
  ...['examples', 'bench'].flatMap(sources).flatMap(checkOutside),
]
for (const violation of violations) console.error(violation)
process.exitCode = violations.length > 0 ? 1 : 0

function checkPackage(file) {
  const [, from, , ...path] = file.split('/')
  const allowed = packages[from] ?? adapter
  return imports(file).flatMap((specifier) => {
    const ours = packageOf(specifier)
    if (ours && ours !== from && !/\.test\.ts$/.test(file) && !allowed.includes(ours)) {
      return `${file}: ${from} may not import ${ours} (it may import: ${allowed.join(', ') || 'nothing'}).`
    }
    if (!specifier.startsWith('.')) return []
    const target = posix.join(posix.dirname(file), specifier)
    if (!target.startsWith(`packages/${from}/src/`)) {
      return `${file}: ${specifier} leaves the package's src. Import a package by its name.`
    }
    return from === 'core' ? checkChapter(file, path, target.split('/').slice(3)) : []
  })
}

function checkChapter(file, path, target) {
  if (/\.test\.ts$/.test(file) || (path.length === 1 && facade.includes(path[0]))) return []
  const from = chapterOf(path)
  const to = chapterOf(target)
  if (from !== 'ground' && !(from in chapters)) {
    return `${file}: chapter ${from} is unknown. Add it to the table in scripts/import-directions.mjs.`
  }
  if (to === from || to === 'ground' || chapters[from]?.includes(to)) return []
  return `${file}: ${from} may not import ${to}. Move what both need into sql/ or beside index.ts.`
}

function checkOutside(file) {
  // reads the testkit by its path: Vite would leave a package to Node, which reads no TypeScript
  if (file.endsWith('/vitest.config.ts')) return []
  return imports(file)
    .filter(
      (specifier) =>
        /^\..*\/packages\//.test(specifier) ||
        /^@auditrum\/[^/]+\/(?!(adapter|proof)$)./.test(specifier),
    )
    .map((specifier) => `${file}: ${specifier} is internal. Import a public package by its name.`)
}

function chapterOf(path) {
  if (path.length > 1) return path[0] === 'sql' ? 'ground' : path[0]
  return facade.includes(path[0].replace(/\.js$/, '.ts')) ? 'the façade' : 'ground'
}

function packageOf(specifier) {
  if (/^auditrum($|\/)/.test(specifier)) return 'cli'
  return specifier.match(/^@auditrum\/([^/]+)/)?.[1]
}

function imports(file) {
  const text = readFileSync(new URL(file, root), 'utf8')
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName)
}

function sources(folder) {
  return list(folder, { recursive: true })
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
    .filter((path) => /\.[cm]?[jt]sx?$/.test(path) && !/\/(node_modules|dist|\.types)\//.test(path))
}

function list(folder, options = {}) {
  const path = new URL(folder, root)
  return existsSync(path) ? readdirSync(path, options) : []
}
