import { defineConfig } from 'vitest/config'
import { reporters } from '../../packages/testkit/src/vitest.ts'

export default defineConfig({ test: { reporters: reporters(), testTimeout: 60_000 } })
