import express from 'express'
import express4 from 'express4'

/** Each with its name. */
export const frameworks = [
  ['Express 5', express],
  ['Express 4', express4],
] as const
