import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { getDataset } from '../../src/data/get.ts'
import { loadDataset } from '../../src/data/index.ts'
import { type PublishedFile, type Source, sources } from '../../src/data/sources.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { writeCifar10 } from './cifar-files.ts'
import { writeMnist } from './idx-files.ts'
import { files, serve } from './server.ts'
import { type TarEntry, tar } from './tar-files.ts'

let cache: string
beforeEach(() => {
  cache = temporaryFolder()
  vi.stubEnv('ESPALIER_CACHE', cache)
  vi.stubEnv('ESPALIER_DATA', '')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex')

/**
 * The published files of a small MNIST: the names are the real ones, sizes and checksums those of `archives`.
 */
function smallMnist() {
  const folder = writeMnist(temporaryFolder())
  const archives: Record<string, Uint8Array> = {}
  const published = readdirSync(folder).map((name): PublishedFile => {
    const archive = gzipSync(readFileSync(join(folder, name)))
    archives[`/${name}.gz`] = archive
    return { name: `${name}.gz`, size: archive.length, md5: md5(archive), packed: 'gzip', gives: [name] }
  })
  return { archives, published }
}

/** A small CIFAR-10 as one archive, with further entries that are none of the data set's. */
function smallCifar(...others: TarEntry[]) {
  const folder = writeCifar10(temporaryFolder(), { 'batches.meta.txt': Buffer.from('airplane') })
  const entries = readdirSync(folder).map((name) => ({
    name: `cifar-10-batches-bin/${name}`,
    content: readFileSync(join(folder, name)),
  }))
  const archive = gzipSync(tar({ name: 'cifar-10-batches-bin/', type: '5' }, ...entries, ...others))
  const { name, gives } = sources.cifar10.files[0]
  const file: PublishedFile = { name, size: archive.length, md5: md5(archive), packed: 'tar.gz', gives }
  return { archive, file }
}

const source = (base: string, published: readonly PublishedFile[]): Source => ({ base, files: published })

it('SVHN: two files that stay as they are; a second call fetches nothing', async () => {
  const contents = { '/train_32x32.mat': Buffer.from('training'), '/test_32x32.mat': Buffer.from('test') }
  const published = Object.entries(contents).map(([path, bytes]): PublishedFile => {
    const name = path.slice(1)
    return { name, size: bytes.length, md5: md5(bytes), packed: 'none', gives: [name] }
  })
  const { url } = await serve(files(contents))
  const got = await getDataset('svhn', {}, { svhn: source(url, published) })
  expect(got).toEqual({ folder: join(cache, 'data', 'svhn'), downloaded: ['train_32x32.mat', 'test_32x32.mat'] })
  expect(readFileSync(join(got.folder, 'test_32x32.mat'), 'utf8')).toBe('test')
  expect((await getDataset('svhn', {}, { svhn: source(url, published) })).downloaded).toEqual([])
})

it('MNIST: four files, unpacked to where loadDataset looks', async () => {
  const { archives, published } = smallMnist()
  const { url } = await serve(files(archives))
  const got = await getDataset('mnist', {}, { mnist: source(url, published) })
  expect(got).toEqual({ folder: join(cache, 'data', 'mnist'), downloaded: published.map(({ name }) => name) })
  expect(readdirSync(got.folder).sort()).toEqual(published.flatMap(({ gives }) => gives).sort())
  expect((await loadDataset('mnist')).train.count).toBe(3)
})

it('only what is missing is fetched', async () => {
  const { archives, published } = smallMnist()
  const { url, requests } = await serve(files(archives))
  const known = { mnist: source(url, published) }
  const { folder } = await getDataset('mnist', {}, known)
  expect((await getDataset('mnist', {}, known)).downloaded).toEqual([])
  rmSync(join(folder, published[2].gives[0]))
  expect((await getDataset('mnist', {}, known)).downloaded).toEqual([published[2].name])
  expect(requests).toHaveLength(5)
})

it('CIFAR-10: one archive, unpacked into ESPALIER_DATA; what else it holds is left in it', async () => {
  const own = temporaryFolder()
  vi.stubEnv('ESPALIER_DATA', own)
  const { archive, file } = smallCifar({ name: 'cifar-10-batches-bin/readme.html', content: 'hello' })
  const { url } = await serve(files({ [`/${file.name}`]: archive }))
  const { folder } = await getDataset('cifar10', {}, { cifar10: source(url, [file]) })
  expect(folder).toBe(join(own, 'cifar10'))
  expect(readdirSync(folder)).toEqual(['cifar-10-batches-bin'])
  expect(readdirSync(join(folder, 'cifar-10-batches-bin'))).toHaveLength(7)
  expect((await loadDataset('cifar10')).train.count).toBe(5)
  expect((await loadDataset(folder)).train.count).toBe(5)
})

it('an interrupted download goes on at the next call', async () => {
  const { archive, file } = smallCifar()
  const { url, requests } = await serve(files({ [`/${file.name}`]: archive }, { breakAfter: 100 }))
  const known = { cifar10: source(url, [file]) }
  await expect(getDataset('cifar10', {}, known)).rejects.toThrow(/broke off after 100 of/)
  await getDataset('cifar10', {}, known)
  expect(requests).toEqual([`/${file.name}`, `/${file.name} bytes=100-`])
  expect((await loadDataset('cifar10')).train.count).toBe(5)
})

it('another address and another folder', async () => {
  const { archives, published } = smallMnist()
  const { url } = await serve(
    files(Object.fromEntries(Object.entries(archives).map(([path, bytes]) => [`/mirror${path}`, bytes]))),
  )
  const into = join(temporaryFolder(), 'here')
  const known = { mnist: source('http://127.0.0.1:9/', published) }
  for (const from of [`${url}mirror`, `${url}mirror/`]) {
    await getDataset('mnist', { into, from }, known)
    expect((await loadDataset(into)).train.count).toBe(3)
    rmSync(into, { recursive: true })
  }
})

describe('without a network', () => {
  it('one sentence says which files to put where', async () => {
    const { published } = smallMnist()
    const folder = join(cache, 'data', 'mnist')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, published[0].gives[0]), '')
    const names = published.slice(1).map(({ name }) => name)
    const known = { mnist: source('http://127.0.0.1:9/', published) }
    await expect(getDataset('mnist', {}, known)).rejects.toThrow(UserError)
    await expect(getDataset('mnist', {}, known)).rejects.toThrow(
      `: to do without, put ${names.join(', ')} into ${folder} and run the same command again`,
    )
  })

  it('archives that were put there are unpacked', async () => {
    const { archive, file } = smallCifar()
    const folder = join(cache, 'data', 'cifar10')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, file.name), archive)
    await getDataset('cifar10', {}, { cifar10: source('http://127.0.0.1:9/', [file]) })
    expect((await loadDataset('cifar10')).train.count).toBe(5)
    expect(existsSync(join(folder, file.name))).toBe(false)
  })
})

describe('refuses', () => {
  const refused = async (archive: Uint8Array, message: RegExp, packed: PublishedFile['packed'] = 'tar.gz') => {
    const { gives } = sources.cifar10.files[0]
    const file: PublishedFile = { name: 'a.gz', size: archive.length, md5: md5(archive), packed, gives }
    const { url } = await serve(files({ '/a.gz': archive }))
    const get = () => getDataset('cifar10', {}, { cifar10: source(url, [file]) })
    await expect(get()).rejects.toThrow(UserError)
    await expect(get()).rejects.toThrow(message)
  }

  it('a name that leads out of the folder', async () => {
    const { archive } = smallCifar({ name: '../../evil', content: 'x' })
    await refused(archive, /a\.gz is not a valid tar archive: an entry is named "\.\.\/\.\.\/evil"/)
    expect(readdirSync(join(cache, 'data', 'cifar10'))).toEqual(['a.gz'])
  })

  it('an archive that lacks a file', async () => {
    await refused(gzipSync(tar({ name: 'x' })), /a\.gz does not hold cifar-10-batches-bin\/data_batch_1\.bin, .*/)
  })

  it.each(['gzip', 'tar.gz'] as const)('what is not compressed, as %s', async (packed) => {
    await refused(tar(), /a\.gz cannot be unpacked: incorrect header check/, packed)
  })

  it('a compressed file that is cut', async () => {
    const { archive } = smallCifar()
    await refused(archive.subarray(0, archive.length - 20), /a\.gz cannot be unpacked: unexpected end of file/)
  })

  it('an unknown name', async () => {
    await expect(getDataset('cifar-10')).rejects.toThrow(
      new UserError('no source is known for a data set cifar-10 (did you mean cifar10?)'),
    )
    await expect(getDataset('toString')).rejects.toThrow(UserError)
  })
})

it('every source names what a loader reads, with a plausible checksum', () => {
  expect(Object.keys(sources)).toEqual(['mnist', 'fashion-mnist', 'cifar10', 'cifar100', 'svhn'])
  for (const { base, files } of Object.values(sources)) {
    expect(base).toMatch(/^(https:|http:\/\/ufldl\.stanford\.edu)\/.*\/$/)
    for (const { name, size, md5, gives } of files) {
      expect(name).toMatch(/\.(gz|mat)$/)
      expect(size).toBeGreaterThan(1000)
      expect(md5).toMatch(/^[0-9a-f]{32}$/)
      expect(gives.length).toBeGreaterThan(0)
    }
  }
})

it('an address that is not of a web server is refused before there is a folder', async () => {
  const into = join(temporaryFolder(), 'new')
  await expect(getDataset('mnist', { into, from: 'file:///etc' })).rejects.toThrow(
    new UserError('from: expected an address that begins with http:// or https://, found file:///etc'),
  )
  expect(existsSync(into)).toBe(false)
})
