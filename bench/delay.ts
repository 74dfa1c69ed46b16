import { connect, createServer, type Socket } from 'node:net'

/** A TCP proxy that passes everything on after a delay, in both directions. */
export interface Delay {
  readonly port: number
  close(): Promise<void>
}

/** @param milliseconds one way; 0 passes on at once, so that both ways are compared on a proxy. */
export async function delayed(host: string, port: number, milliseconds: number): Promise<Delay> {
  const sockets = new Set<Socket>()
  const proxy = createServer((near) => {
    const far = connect(port, host)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from.setNoDelay(true))
      const pass =
        milliseconds === 0
          ? (chunk: Buffer) => to.write(chunk)
          : (chunk: Buffer) => setTimeout(() => to.writable && to.write(chunk), milliseconds)
      from.on('data', pass)
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  return {
    port: (proxy.address() as { port: number }).port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        proxy.close(() => resolve())
      }),
  }
}
