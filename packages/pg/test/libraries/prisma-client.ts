import { createRequire } from 'node:module'
import {
  type GetPrismaClientConfig,
  getPrismaClient,
  type PrismaPromise,
} from '@prisma/client/runtime/client'

const require = createRequire(import.meta.url)
const compiler = '@prisma/client/runtime/query_compiler_fast_bg.postgresql'
// Node has it, the types that this repository compiles with have not
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: { readonly Module: new (bytes: Uint8Array) => object }
}

// What `prisma generate` 7.10.0 writes (generator "prisma-client", in internal/class.ts) for the schema
// below, with types for no more than the tests use. It is kept here because Prisma's command line
// downloads a program that is not on npm before it does anything; the client itself needs none.
const config: GetPrismaClientConfig = {
  previewFeatures: [],
  clientVersion: '7.10.0',
  engineVersion: '0edf323efd1d98336f3f0a68684b56f689b900d3',
  activeProvider: 'postgresql',
  inlineSchema: `generator client {
  provider = "prisma-client"
  output   = "../generated"
}

datasource db {
  provider = "postgresql"
}

model Order {
  id    Int     @id @default(autoincrement())
  note  String?
  lines Line[]

  @@map("orders")
}

model Line {
  id      Int    @id @default(autoincrement())
  note    String
  orderId Int    @map("order_id")
  order   Order  @relation(fields: [orderId], references: [id])

  @@map("lines")
}
`,
  runtimeDataModel: JSON.parse(
    '{"models":{"Order":{"fields":[{"name":"id","kind":"scalar","type":"Int"},{"name":"note","kind":"scalar","type":"String"},{"name":"lines","kind":"object","type":"Line","relationName":"LineToOrder"}],"dbName":"orders","schema":null},"Line":{"fields":[{"name":"id","kind":"scalar","type":"Int"},{"name":"note","kind":"scalar","type":"String"},{"name":"orderId","kind":"scalar","type":"Int","dbName":"order_id"},{"name":"order","kind":"object","type":"Order","relationName":"LineToOrder"}],"dbName":"lines","schema":null}},"enums":{},"types":{}}',
  ),
  parameterizationSchema: {
    strings:
      'where orderBy cursor order lines _count Order.findUnique Order.findUniqueOrThrow Order.findFirst Order.findFirstOrThrow Order.findMany data Order.createOne Order.createMany Order.createManyAndReturn Order.updateOne Order.updateMany Order.updateManyAndReturn create update Order.upsertOne Order.deleteOne Order.deleteMany having _avg _sum _min _max Order.groupBy Order.aggregate Line.findUnique Line.findUniqueOrThrow Line.findFirst Line.findFirstOrThrow Line.findMany Line.createOne Line.createMany Line.createManyAndReturn Line.updateOne Line.updateMany Line.updateManyAndReturn Line.upsertOne Line.deleteOne Line.deleteMany Line.groupBy Line.aggregate AND OR NOT id note orderId equals in notIn lt lte gt gte contains startsWith endsWith not every some none is isNot connectOrCreate upsert createMany set disconnect delete connect updateMany deleteMany increment decrement multiply divide'.split(
        ' ',
      ),
    graph:
      'bhYgBgQAAEUAIC4AAEIAMC8AAAkAEDAAAEIAMDECAAAAATIBAEQAIQEAAAABACAHAwAASAAgLgAARgAwLwAAAwAQMAAARgAwMQIAQwAhMgEARwAhMwIAQwAhAQMAAGgAIAcDAABIACAuAABGADAvAAADABAwAABGADAxAgAAAAEyAQBHACEzAgBDACEDAAAAAwAgAQAABAAwAgAABQAgAQAAAAMAIAEAAAABACAGBAAARQAgLgAAQgAwLwAACQAQMAAAQgAwMQIAQwAhMgEARAAhAgQAAGcAIDIAAFIAIAMAAAAJACABAAAKADACAAABACADAAAACQAgAQAACgAwAgAAAQAgAwAAAAkAIAEAAAoAMAIAAAEAIAMEAABmACAxAgAAAAEyAQAAAAEBCwAADgAgAjECAAAAATIBAAAAAQELAAAQADABCwAAEAAwAwQAAFkAIDECAE8AITIBAFgAIQIAAAABACALAAATACACMQIATwAhMgEAWAAhAgAAAAkAIAsAABUAIAIAAAAJACALAAAVACADAAAAAQAgEgAADgAgEwAAEwAgAQAAAAEAIAEAAAAJACAGBQAAUwAgGAAAVAAgGQAAVwAgGgAAVgAgGwAAVQAgMgAAUgAgBS4AAD0AMC8AABwAEDAAAD0AMDECADYAITIBAD4AIQMAAAAJACABAAAbADAXAAAcACADAAAACQAgAQAACgAwAgAAAQAgAQAAAAUAIAEAAAAFACADAAAAAwAgAQAABAAwAgAABQAgAwAAAAMAIAEAAAQAMAIAAAUAIAMAAAADACABAAAEADACAAAFACAEAwAAUQAgMQIAAAABMgEAAAABMwIAAAABAQsAACQAIAMxAgAAAAEyAQAAAAEzAgAAAAEBCwAAJgAwAQsAACYAMAQDAABQACAxAgBPACEyAQBOACEzAgBPACECAAAABQAgCwAAKQAgAzECAE8AITIBAE4AITMCAE8AIQIAAAADACALAAArACACAAAAAwAgCwAAKwAgAwAAAAUAIBIAACQAIBMAACkAIAEAAAAFACABAAAAAwAgBQUAAEkAIBgAAEoAIBkAAE0AIBoAAEwAIBsAAEsAIAYuAAA1ADAvAAAyABAwAAA1ADAxAgA2ACEyAQA3ACEzAgA2ACEDAAAAAwAgAQAAMQAwFwAAMgAgAwAAAAMAIAEAAAQAMAIAAAUAIAYuAAA1ADAvAAAyABAwAAA1ADAxAgA2ACEyAQA3ACEzAgA2ACENBQAAOQAgGAAAPAAgGQAAOQAgGgAAOQAgGwAAOQAgNAIAAAABNQIAAAAENgIAAAAENwIAAAABOAIAAAABOQIAAAABOgIAAAABPgIAOwAhDgUAADkAIBoAADoAIBsAADoAIDQBAAAAATUBAAAABDYBAAAABDcBAAAAATgBAAAAATkBAAAAAToBAAAAATsBAAAAATwBAAAAAT0BAAAAAT4BADgAIQ4FAAA5ACAaAAA6ACAbAAA6ACA0AQAAAAE1AQAAAAQ2AQAAAAQ3AQAAAAE4AQAAAAE5AQAAAAE6AQAAAAE7AQAAAAE8AQAAAAE9AQAAAAE-AQA4ACEINAIAAAABNQIAAAAENgIAAAAENwIAAAABOAIAAAABOQIAAAABOgIAAAABPgIAOQAhCzQBAAAAATUBAAAABDYBAAAABDcBAAAAATgBAAAAATkBAAAAAToBAAAAATsBAAAAATwBAAAAAT0BAAAAAT4BADoAIQ0FAAA5ACAYAAA8ACAZAAA5ACAaAAA5ACAbAAA5ACA0AgAAAAE1AgAAAAQ2AgAAAAQ3AgAAAAE4AgAAAAE5AgAAAAE6AgAAAAE-AgA7ACEINAgAAAABNQgAAAAENggAAAAENwgAAAABOAgAAAABOQgAAAABOggAAAABPggAPAAhBS4AAD0AMC8AABwAEDAAAD0AMDECADYAITIBAD4AIQ4FAABAACAaAABBACAbAABBACA0AQAAAAE1AQAAAAU2AQAAAAU3AQAAAAE4AQAAAAE5AQAAAAE6AQAAAAE7AQAAAAE8AQAAAAE9AQAAAAE-AQA_ACEOBQAAQAAgGgAAQQAgGwAAQQAgNAEAAAABNQEAAAAFNgEAAAAFNwEAAAABOAEAAAABOQEAAAABOgEAAAABOwEAAAABPAEAAAABPQEAAAABPgEAPwAhCDQCAAAAATUCAAAABTYCAAAABTcCAAAAATgCAAAAATkCAAAAAToCAAAAAT4CAEAAIQs0AQAAAAE1AQAAAAU2AQAAAAU3AQAAAAE4AQAAAAE5AQAAAAE6AQAAAAE7AQAAAAE8AQAAAAE9AQAAAAE-AQBBACEGBAAARQAgLgAAQgAwLwAACQAQMAAAQgAwMQIAQwAhMgEARAAhCDQCAAAAATUCAAAABDYCAAAABDcCAAAAATgCAAAAATkCAAAAAToCAAAAAT4CADkAIQs0AQAAAAE1AQAAAAU2AQAAAAU3AQAAAAE4AQAAAAE5AQAAAAE6AQAAAAE7AQAAAAE8AQAAAAE9AQAAAAE-AQBBACEDPwAAAwAgQAAAAwAgQQAAAwAgBwMAAEgAIC4AAEYAMC8AAAMAEDAAAEYAMDECAEMAITIBAEcAITMCAEMAIQs0AQAAAAE1AQAAAAQ2AQAAAAQ3AQAAAAE4AQAAAAE5AQAAAAE6AQAAAAE7AQAAAAE8AQAAAAE9AQAAAAE-AQA6ACEIBAAARQAgLgAAQgAwLwAACQAQMAAAQgAwMQIAQwAhMgEARAAhQgAACQAgQwAACQAgAAAAAAABRwEAAAABBUcCAAAAAU0CAAAAAU4CAAAAAU8CAAAAAVACAAAAAQUSAABqACATAABtACBEAABrACBFAABsACBKAAABACADEgAAagAgRAAAawAgSgAAAQAgAAAAAAAAAUcBAAAAAQsSAABaADATAABfADBEAABbADBFAABcADBGAABdACBHAABeADBIAABeADBJAABeADBKAABeADBLAABgADBMAABhADACMQIAAAABMgEAAAABAgAAAAUAIBIAAGUAIAMAAAAFACASAABlACATAABkACABCwAAaQAwBwMAAEgAIC4AAEYAMC8AAAMAEDAAAEYAMDECAAAAATIBAEcAITMCAEMAIQIAAAAFACALAABkACACAAAAYgAgCwAAYwAgBi4AAGEAMC8AAGIAEDAAAGEAMDECAEMAITIBAEcAITMCAEMAIQYuAABhADAvAABiABAwAABhADAxAgBDACEyAQBHACEzAgBDACECMQIATwAhMgEATgAhAjECAE8AITIBAE4AIQIxAgAAAAEyAQAAAAEEEgAAWgAwRAAAWwAwRgAAXQAgSgAAXgAwAAIEAABnACAyAABSACACMQIAAAABMgEAAAABAjECAAAAATIBAAAAAQIAAAABACASAABqACADAAAACQAgEgAAagAgEwAAbgAgBAAAAAkAIAsAAG4AIDECAE8AITIBAFgAIQIxAgBPACEyAQBYACECBAYCBQADAQMAAQEEBwAAAAAFBQAIGAAJGQAKGgALGwAMAAAAAAAFBQAIGAAJGQAKGgALGwAMAQMAAQEDAAEFBQARGAASGQATGgAUGwAVAAAAAAAFBQARGAASGQATGgAUGwAVBgIBBwgBCAsBCQwBCg0BDA8BDREEDhIFDxQBEBYEERcGFBgBFRkBFhoEHB0HHR4NHh8CHyACICECISICIiMCIyUCJCcEJSgOJioCJywEKC0PKS4CKi8CKzAELDMQLTQW',
  },
  compilerWasm: {
    getRuntime: async () => require(`${compiler}.js`),
    async getQueryCompilerWasmModule() {
      const { wasm } = require(`${compiler}.wasm-base64.js`)
      return new WebAssembly.Module(Buffer.from(wasm, 'base64'))
    },
    importName: './query_compiler_fast_bg.js',
  },
}

interface Order {
  readonly id: number
  readonly note: string | null
}

interface Orders {
  create(args: object): PrismaPromise<Order>
  createMany(args: object): PrismaPromise<{ count: number }>
  createManyAndReturn(args: object): PrismaPromise<Order[]>
  update(args: object): PrismaPromise<Order>
  updateMany(args: object): PrismaPromise<{ count: number }>
  upsert(args: object): PrismaPromise<Order>
  delete(args: object): PrismaPromise<Order>
  deleteMany(args?: object): PrismaPromise<{ count: number }>
  findMany(args?: object): PrismaPromise<Order[]>
}

export interface PrismaClient {
  readonly order: Orders
  $executeRaw(text: TemplateStringsArray, ...values: unknown[]): PrismaPromise<number>
  $transaction<Result>(
    act: (tx: PrismaClient) => Promise<Result>,
    options?: { maxWait?: number; timeout?: number; isolationLevel?: 'Serializable' },
  ): Promise<Result>
  $transaction(queries: readonly PrismaPromise<unknown>[]): Promise<unknown[]>
  $disconnect(): Promise<void>
}

export const PrismaClient = getPrismaClient(config) as unknown as new (options: {
  adapter: object
}) => PrismaClient
