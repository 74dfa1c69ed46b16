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

test("types: the state, and the request's id", () => {
  const application = `
    import { auditContext } from '@auditrum/koa'
    import Koa from 'koa'
    const app = new Koa()
    app.use(auditContext({ user: (ctx) => ctx.state.user }))
    app.use((ctx) => { ctx.body = ctx.state.requestId.toUpperCase() })
    app.use((ctx) => { ctx.state.requestId.nothing })`
  expect(problems(application, { skipLibCheck: true })).toEqual([
    expect.stringContaining("'nothing' does not exist"),
  ])
})

test('types: without @types/koa', () => {
  const untyped = `
    import { auditContext, withChangeReason } from '@auditrum/koa'
    auditContext({ user: (ctx) => ctx.state.user, ip: false })
    withChangeReason('because', () => 7).toFixed()`
  expect(problems(untyped, { skipLibCheck: true, without: /@types\/koa/ })).toEqual([])
})
