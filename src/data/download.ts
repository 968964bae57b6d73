/**
 * @file Downloads a file from a web server, whole or not at all. What has arrived is kept beside the target
 * as `<name>.part`, so that an interrupted download goes on where it stopped (a Range request). The target
 * appears only once its checksum is right.
 */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, statSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileProblem, UserError } from '../util/errors.ts'
import { makeFolders } from '../util/files.ts'
import { Meter, type OnProgress } from './progress.ts'

export interface Download {
  url: string
  /** The path that the file gets. */
  path: string
  /** The size in bytes. */
  size: number
  md5: string
}

export interface DownloadOptions {
  onProgress?: OnProgress
  /** What to do where the server cannot be reached or lacks the file; it ends the sentence that says so. */
  hint?: string
}

/**
 * Fetches the file, unless it is there already. Throws UserError where the server cannot be reached or does
 * not have it, where the connection breaks (a second call goes on from there), and where the content is not
 * what was published.
 */
export async function download(file: Download, options: DownloadOptions = {}): Promise<void> {
  const { path, size } = file
  if (existsSync(path)) {
    const checksum = await md5Of(path)
    if (checksum !== file.md5) throw different(file, path, checksum)
    return
  }
  const part = `${path}.part`
  try {
    makeFolders(dirname(path))
  } catch (error) {
    unwritable(dirname(path))(error)
  }
  if (existsSync(part) && statSync(part).size > size) await rm(part)
  const have = existsSync(part) ? statSync(part).size : 0
  if (have < size) {
    const { response, from } = await request(file, have, options)
    await receive(response, file, part, from, options)
  }
  const checksum = await md5Of(part)
  if (checksum !== file.md5) {
    await rm(part, { force: true })
    throw different(file, 'what arrived', checksum, ' (it was deleted)')
  }
  await rename(part, path).catch(unwritable(path))
}

/** Asks for the bytes from `have` on; a server that does not know ranges sends all. */
async function request(
  file: Download,
  have: number,
  options: DownloadOptions,
): Promise<{ response: Response; from: number }> {
  const { url } = file
  const { hint } = options
  // The answer must not be compressed, since its bytes are counted.
  const headers: Record<string, string> = { 'accept-encoding': 'identity' }
  if (have > 0) headers.range = `bytes=${have}-`
  const response = await fetch(url, { headers }).catch((error) => {
    throw new UserError(`cannot reach ${url} (${networkProblem(error)})${hint ? `: ${hint}` : ''}`)
  })
  if (response.status === 200) return { response, from: 0 }
  if (response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${have}-`))
    return { response, from: have }
  await response.body?.cancel()
  // The server cannot or will not serve the range, so the file is asked for from its start.
  if (have > 0 && [206, 416].includes(response.status)) return request(file, 0, options)
  throw new UserError(
    `${url} answered ${response.status} ${response.statusText}, expected the file${hint ? `: ${hint}` : ''}`,
  )
}

/** Appends what arrives to the first `from` bytes of the part file. */
async function receive(
  response: Response,
  { url, size }: Download,
  part: string,
  from: number,
  { onProgress }: DownloadOptions,
): Promise<void> {
  const meter = new Meter({ what: url, unit: 'bytes', total: size }, onProgress, from)
  const file = await open(part, from > 0 ? 'a' : 'w').catch(unwritable(part))
  let received = from
  try {
    for await (const chunk of chunks(response, () => interrupted(url, received, size))) {
      received += chunk.length
      if (received > size) throw new UserError(`${url} is larger than the ${size} bytes that were published`)
      await append(file, chunk).catch(unwritable(part))
      meter.advance(chunk.length)
    }
  } finally {
    await file.close()
    if (received > size) await rm(part, { force: true })
  }
  if (received < size) throw interrupted(url, received, size)
}

async function* chunks(response: Response, broken: () => Error): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (!reader) return
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => {
        throw broken()
      })
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

async function append(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5')
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece)
  return hash.digest('hex')
}

const different = ({ url, md5 }: Download, what: string, checksum: string, after = '') =>
  new UserError(`${what} is not what was published as ${url}: its MD5 is ${checksum}, expected ${md5}${after}`)

const interrupted = (url: string, received: number, size: number) =>
  new UserError(`${url} broke off after ${received} of ${size} bytes: the same command goes on from there`)

const unwritable =
  (path: string) =>
  (error: unknown): never => {
    throw new UserError(`cannot write ${path}: ${fileProblem(error)}`)
  }

/** The reason that lies under fetch's own "fetch failed". */
function networkProblem(error: unknown): string {
  const cause = ((error as Error).cause ?? error) as NodeJS.ErrnoException
  const words: Record<string, string> = {
    ENOTFOUND: 'the name is unknown: is there a network?',
    EAI_AGAIN: 'names cannot be resolved: is there a network?',
    ECONNREFUSED: 'the connection was refused',
    ECONNRESET: 'the connection was reset',
    UND_ERR_CONNECT_TIMEOUT: 'no answer',
    ETIMEDOUT: 'no answer',
  }
  return (cause.code && words[cause.code]) || cause.code || cause.message
}
