/**
 * @file Fetches a published data set: downloads what is missing, unpacks it, removes the archives.
 */
import { createReadStream, existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { checkWebAddress } from '../util/checks.ts'
import { fileProblem, UserError } from '../util/errors.ts'
import { makeFolder, writeAtomically } from '../util/files.ts'
import { suggestion } from '../util/suggest.ts'
import { download } from './download.ts'
import { downloadFolder } from './folders.ts'
import type { OnProgress } from './progress.ts'
import { type PublishedFile, type Source, sources } from './sources.ts'
import { readTar } from './tar.ts'

export interface GetOptions {
  /**
   * The folder that the data set gets. Default: `ESPALIER_DATA/<name>`, or else one in the cache folder,
   * which is where `loadDataset` looks.
   */
  into?: string
  /** Another address with the same files. */
  from?: string
  onProgress?: OnProgress
}

export interface Got {
  folder: string
  /** The names of the files that were downloaded now; none where all were there. */
  downloaded: string[]
}

/**
 * Fetches a published data set. A call that is interrupted leaves what it has, and a second call goes on from
 * there. Throws UserError where the name has no source, the address is not of a web server, and as
 * {@link download} does.
 */
export async function getDataset(name: string, options: GetOptions = {}, known = sources): Promise<Got> {
  if (!Object.hasOwn(known, name))
    throw new UserError(`no source is known for a data set ${name}${suggestion(name, Object.keys(known))}`)
  const source = known[name]
  const { into: folder = downloadFolder(name), from = source.base, onProgress } = options
  checkWebAddress('from', from)
  const missing = missingFiles(folder, source)
  for (const file of missing) {
    const path = join(folder, file.name)
    const { size, md5 } = file
    const url = `${from.replace(/\/*$/, '/')}${file.name}`
    await download({ url, path, size, md5 }, { onProgress, hint: byHand(folder, missing) })
    if (file.packed === 'none') continue
    await unpack(path, file, folder).catch((error) => {
      throw error instanceof UserError ? error : new UserError(`${path} cannot be unpacked: ${fileProblem(error)}`)
    })
    await rm(path, { force: true })
  }
  return { folder, downloaded: missing.map((file) => file.name) }
}

/** The published files whose content is not in the folder, or only in part. */
export const missingFiles = (folder: string, { files }: Source): PublishedFile[] =>
  files.filter(({ gives }) => !gives.every((path) => existsSync(join(folder, path))))

const byHand = (folder: string, files: readonly PublishedFile[]) =>
  `to do without, put ${files.map((file) => file.name).join(', ')} into ${folder} and run the same command again`

async function unpack(archive: string, { packed, gives }: PublishedFile, folder: string): Promise<void> {
  if (packed === 'gzip') return save(join(folder, gives[0]), Buffer.concat(await gunzip(archive)))
  // Nothing is written before the archive has been read to its end.
  const unpacked = new Map<string, Uint8Array>()
  await pipeline(createReadStream(archive), createGunzip(), async (bytes: AsyncIterable<Uint8Array>) => {
    for await (const { name, content } of readTar(bytes, archive)) if (gives.includes(name)) unpacked.set(name, content)
  })
  const lacking = gives.filter((name) => !unpacked.has(name))
  if (lacking.length > 0) throw new UserError(`${archive} does not hold ${lacking.join(', ')}`)
  for (const [name, content] of unpacked) save(join(folder, name), content)
}

async function gunzip(archive: string): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = []
  await pipeline(createReadStream(archive), createGunzip(), async (bytes: AsyncIterable<Uint8Array>) => {
    for await (const piece of bytes) pieces.push(piece)
  })
  return pieces
}

function save(path: string, content: Uint8Array): void {
  makeFolder(dirname(path))
  writeAtomically(path, content)
}
