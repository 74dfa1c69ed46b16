import Koa from 'koa'
import Koa2 from 'koa2'

/** Each with its name. */
export const frameworks = [
  ['Koa 3', Koa],
  ['Koa 2', Koa2],
] as const
