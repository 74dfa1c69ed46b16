import { defineConfig } from 'tsdown'

const shared = { platform: 'node', target: 'node20.19' } as const

export default defineConfig([
  { ...shared, entry: ['src/index.ts'], format: ['esm', 'cjs'], dts: true },
  // the command, and the process that ends the demo's server when the command is killed
  {
    ...shared,
    entry: { bin: 'src/bin.ts', watchdog: '../testkit/src/watchdog.mjs' },
    format: ['esm'],
    dts: false,
    clean: false,
  },
])
