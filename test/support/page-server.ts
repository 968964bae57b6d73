/** @file A server for tests of pages: files of a test by their path, and folders of this checkout. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'

const types: Record<string, string> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.html': 'text/html',
  '.svg': 'image/svg+xml',
}

/** The headers with which a page is isolated from others, so that memory may be shared. */
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

/**
 * Serves `files` by path, and below each key of `folders`, such as `/espalier/`, the files of that folder.
 */
export function servePage(
  files: ReadonlyMap<string, Uint8Array | string>,
  folders: Readonly<Record<string, string>> = {},
  { isolated = false } = {},
): Server {
  return createServer(({ url = '/' }, response) => {
    const path = url.replace(/[?#].*/, '')
    const body = files.get(path) ?? inFolders(path, folders)
    response.writeHead(body === undefined ? 404 : 200, {
      ...(isolated && ISOLATED),
      'content-type': types[extname(path)] ?? (path.endsWith('/') ? types['.html'] : 'application/octet-stream'),
    })
    response.end(body)
  }).listen(0, '127.0.0.1')
}

function inFolders(path: string, folders: Readonly<Record<string, string>>): Uint8Array | undefined {
  if (path.includes('..')) return undefined
  for (const [prefix, folder] of Object.entries(folders)) {
    if (!path.startsWith(prefix)) continue
    const file = join(folder, path.slice(prefix.length) || 'index.html')
    if (existsSync(file) && statSync(file).isFile()) return readFileSync(file)
  }
  return undefined
}

/** Where a server is. */
export const addressOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
