/** @file A web server on this machine, for one test. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface TestServer {
  /** Its address, ending with a slash. */
  url: string
  /** What was asked for: the path, and the Range header where there was one. */
  requests: string[]
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export async function serve(handler: Handler): Promise<TestServer> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push([request.url, request.headers.range].filter(Boolean).join(' '))
    handler(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests }
}

/**
 * Files by path, with or without Range; `breakAfter`: the connection breaks after so many bytes of the first
 * answer.
 */
export function files(
  content: Record<string, Uint8Array>,
  { ranges = true, breakAfter = Number.POSITIVE_INFINITY }: { ranges?: boolean; breakAfter?: number } = {},
): Handler {
  let broken = false
  return (request, response) => {
    const bytes = content[request.url ?? '']
    if (!bytes) {
      response.writeHead(404).end()
      return
    }
    const from = ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0
    if (from >= bytes.length && from > 0) {
      response.writeHead(416).end()
      return
    }
    const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
    const rest = bytes.subarray(from)
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': rest.length, ...(from > 0 && range) })
    if (broken || rest.length <= breakAfter) {
      response.end(rest)
      return
    }
    broken = true
    response.write(rest.subarray(0, breakAfter), () => setTimeout(() => response.destroy(), 20))
  }
}
