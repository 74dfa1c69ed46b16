import { join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'

/** What the compiler says of an application that uses the package as it is published. */
function problems(source: string, { skipLibCheck = false, without = /^$/ } = {}): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    types: ['node'],
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, directoryExists } = host
  const application = join(import.meta.dirname, 'application.mts')
  host.getSourceFile = (file, target) =>
    file === application
      ? ts.createSourceFile(file, source, target)
      : getSourceFile.call(host, file, target)
  host.fileExists = (file) => !without.test(file) && fileExists.call(host, file)
  host.directoryExists = (name) =>
    !without.test(name) && (directoryExists?.call(host, name) ?? false)
  return ts
    .getPreEmitDiagnostics(ts.createProgram([application], options, host))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ').slice(0, 100))
}

const application = `
  import { auditContext } from '@auditrum/express'
  import express from 'express'
  import 'passport'
  const app = express()
  app.use(auditContext({ user: (req) => req.user }), express.json())
  app.get('/', (req, res) => res.end(req.id.toUpperCase()))`

test("types: passport's user, and the request's id", () => {
  expect(problems(application)).toEqual([])
})

test("types: an application's own user has an id, or says which", () => {
  const own = `${application}
    app.use(auditContext({ user: (req) => req.user?.uid }))
    declare global { namespace Express { interface User { uid: string } } }`
  expect(problems(own, { skipLibCheck: true })).toEqual([
    expect.stringContaining("=> User | undefined'"),
  ])
})

test('types: without @types/express', () => {
  const untyped = `
    import { auditContext, withChangeReason } from '@auditrum/express'
    auditContext({ user: (req) => req.user, ip: false })
    withChangeReason('because', () => 7).toFixed()`
  const without = /@types\/express/
  expect(problems(untyped, { skipLibCheck: true, without })).toEqual([])
})
