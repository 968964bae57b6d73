import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sources } from '../../src/data/sources.ts'
import { writeMnist } from '../data/idx-files.ts'
import { writeImageFolder } from '../data/image-files.ts'
import { files, serve } from '../data/server.ts'
import { espalier } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** A command with folders of its own for data and cache. */
function prepare() {
  const [data, cache] = [temporaryFolder(), temporaryFolder()]
  const env = { ESPALIER_DATA: data, ESPALIER_CACHE: cache }
  const succeeds = async (...args: string[]) => {
    const { code, stdout, stderr } = await espalier(['data', ...args], { env })
    expect([code, stderr]).toEqual([0, ''])
    return stdout
  }
  const fails = async (...args: string[]) => {
    const { code, stdout, stderr } = await espalier(['data', ...args], { env })
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^(espalier: |error: )[^\n]+\n$/)
    return stderr
  }
  return { data, cache, succeeds, fails }
}

it.each([
  ['list', ['--json']],
  ['get', ['--into', '--from', '--json', 'cifar10']],
  ['show', ['--size', '--crop', '--skip-corrupt', '--normalization', '--json']],
])('data %s --help', async (command, options) => {
  const help = await prepare().succeeds(command, '--help')
  for (const option of options) expect(help).toContain(option)
})

it('list: what there is, how much there is to download, and where it is', async () => {
  const { data, succeeds } = prepare()
  mkdirSync(join(data, 'fashion-mnist'))
  writeFileSync(join(data, 'fashion-mnist/notes.txt'), '')
  const table = await succeeds('list')
  expect(table).toMatch(/\| cifar10 .*\| 170\.05 MB \| not here: espalier data get cifar10 /)
  expect(table).toMatch(/\| synthetic .*\| built in /)
  const entries = JSON.parse(await succeeds('list', '--json'))
  expect(entries.find(({ name }: { name: string }) => name === 'fashion-mnist')).toMatchObject({
    download: 30_878_645,
    folder: join(data, 'fashion-mnist'),
  })
})

it('get: what is not the published file is refused and deleted', async () => {
  const { data, fails } = prepare()
  const { url, requests } = await serve((_, response) => response.end(Buffer.alloc(sources.mnist.files[0].size)))
  const md5 = createHash('md5').update(Buffer.alloc(sources.mnist.files[0].size)).digest('hex')
  const { name, md5: expected } = sources.mnist.files[0]
  expect(await fails('get', 'mnist', '--from', url)).toBe(
    `espalier: what arrived is not what was published as ${url}${name}: its MD5 is ${md5}, expected ${expected} (it was deleted)\n`,
  )
  expect(requests).toEqual([`/${name}`])
  expect(existsSync(join(data, 'mnist', `${name}.part`))).toBe(false)
})

it('get: a missing file, an unreachable server, an unknown name', async () => {
  const { data, fails } = prepare()
  const { url } = await serve(files({}))
  expect(await fails('get', 'cifar100', '--from', url)).toBe(
    `espalier: ${url}cifar-100-binary.tar.gz answered 404 Not Found, expected the file: to do without, put cifar-100-binary.tar.gz into ${join(data, 'cifar100')} and run the same command again\n`,
  )
  expect(await fails('get', 'cifar100', '--from', 'http://127.0.0.1:9')).toMatch(
    /^espalier: cannot reach http:\/\/127\.0\.0\.1:9\/cifar-100-binary\.tar\.gz \(/,
  )
  const into = join(data, 'new', 'folder')
  for (const from of ['nowhere', 'file:///etc', 'ftp://127.0.0.1/', ''])
    expect(await fails('get', 'cifar100', '--into', into, '--from', from)).toBe(
      `espalier: --from: expected an address that begins with http:// or https://, found ${from || 'nothing'}\n`,
    )
  expect(existsSync(join(data, 'new'))).toBe(false)
  expect(await fails('get', 'cifar')).toMatch(/no source is known for a data set cifar \(did you mean cifar10\?\)/)
  expect(await fails('fetch')).toMatch(/unknown command 'fetch'/)
})

it('get: what is there is not fetched again', async () => {
  const { data, succeeds } = prepare()
  const folder = join(data, 'mnist')
  mkdirSync(folder)
  writeMnist(folder)
  expect(await succeeds('get', 'mnist')).toBe(`mnist was there already: ${folder}\n`)
  expect(JSON.parse(await succeeds('get', 'mnist', '--json'))).toEqual({ name: 'mnist', folder, downloaded: [] })
})

it('show: a folder of images', async () => {
  const { succeeds, fails } = prepare()
  const folder = await writeImageFolder(temporaryFolder(), { width: 6, height: 4, value: (c) => 51 * c })
  const shown = await succeeds('show', folder)
  expect(shown).toMatch(/^2 classes, images of 3 x 4 x 6, loaded in \d+\.\d\d s\n/)
  expect(shown).toContain('train: 4 images, 2 per class\ntest: 2 images, 1 per class\n')
  expect(shown).toContain('mean 0.0000, 0.2000, 0.4000 and std 0.0000, 0.0000, 0.0000 of the training pixels')
  writeFileSync(join(folder, 'train', 'dog', 'c.png'), 'x')
  expect(await fails('show', folder, '--size', '2')).toMatch(
    /c\.png is neither a JPEG, a PNG nor a WebP file \(mend or remove/,
  )
  const options = ['--size', '3', '--crop', '2', '--skip-corrupt', '--normalization', 'half', '--json']
  expect(JSON.parse(await succeeds('show', folder, ...options))).toMatchObject({
    image: [3, 2, 2],
    classNames: ['cat', 'dog'],
    mean: [0.5, 0.5, 0.5],
    skipped: [join('train', 'dog', 'c.png')],
    train: { count: 4, smallestClass: 2, largestClass: 2 },
  })
  expect(await fails('show', folder, '--size', '0')).toMatch(/--size: expected a whole number of pixels .*, found 0/)
  expect(await fails('show', 'mnits')).toMatch(/did you mean mnist/)
})
