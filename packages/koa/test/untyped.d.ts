declare module 'koa2' {
  import Koa from 'koa'
  export default Koa
}

declare module 'koa-passport' {
  import type Koa from 'koa'
  import type { PassportStatic } from 'passport'

  const passport: Omit<PassportStatic, 'initialize' | 'session' | 'authenticate'> & {
    initialize(): Koa.Middleware
    session(): Koa.Middleware
    authenticate(strategy: string): Koa.Middleware
  }
  export default passport
}

declare module '@koa/multer' {
  import type Koa from 'koa'
  import type { Options } from 'multer'
  export default function multer(options: Options): { single(field: string): Koa.Middleware }
}
