import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readTar } from '../../src/data/tar.ts'
import { UserError } from '../../src/util/errors.ts'
import { type TarEntry, tar, tarEntry } from './tar-files.ts'

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(bytes: Uint8Array, size = 10_000): Promise<[string, string][]> {
  const found: [string, string][] = []
  for await (const { name, content } of readTar(pieces(bytes, size), 'a.tar'))
    found.push([name, new TextDecoder().decode(content)])
  return found
}

it('files, whatever pieces the archive comes in', async () => {
  const archive = tar(
    { name: 'd/', type: '5' },
    { name: 'd/empty' },
    { name: 'd/one', content: 'x'.repeat(512) },
    { name: 'long', prefix: 'some/folder', content: 'y'.repeat(700) },
    { name: 'old', type: '\0', content: 'z' },
  )
  const expected = [
    ['d/empty', ''],
    ['d/one', 'x'.repeat(512)],
    ['some/folder/long', 'y'.repeat(700)],
    ['old', 'z'],
  ]
  const sizes = fc.integer({ min: 1, max: 6000 })
  await fc.assert(
    fc.asyncProperty(sizes, async (size) => {
      expect(await read(archive, size)).toEqual(expected)
    }),
  )
})

it('an archive of nothing', async () => {
  expect(await read(tar())).toEqual([])
})

it.each<[string, Uint8Array, RegExp]>([
  ['a path upwards', tar({ name: '../evil' }), /an entry is named "\.\.\/evil", which leads out of its folder/],
  ['a path upwards from within', tar({ name: 'a/../../evil' }), /leads out of its folder/],
  ['a path upwards by its prefix', tar({ name: 'evil', prefix: '..' }), /leads out of its folder/],
  ['a folder upwards', tar({ name: '..', type: '5' }), /leads out of its folder/],
  ['an absolute path', tar({ name: '/etc/passwd' }), /leads out of its folder/],
  ['a path with a drive', tar({ name: 'C:evil' }), /leads out of its folder/],
  ['a path with backslashes', tar({ name: '..\\evil' }), /leads out of its folder/],
  ['no name', tar({ name: '' }), /an entry is named ""/],
  ['a symbolic link', tar({ name: 'link', type: '2' }), /link is of type "2", expected a file or a folder/],
  ['a hard link', tar({ name: 'link', type: '1' }), /is of type "1"/],
  ['a device', tar({ name: 'null', type: '3' }), /is of type "3"/],
  ['a wrong checksum', tar({ name: 'a', checksum: 1 }), /the checksum of an entry is wrong/],
  ['something else', new Uint8Array(2048).fill(65), /the checksum of an entry is wrong/],
  ['no size', tar({ name: 'a', size: 'many' }), /a claims NaN bytes/],
  ['a size beyond memory', tar({ name: 'a', size: '77777777777\0' }), /a claims 8589934591 bytes/],
  ['an end within a file', tarEntry({ name: 'a', content: 'x'.repeat(600) }).subarray(0, 1000), /it ends within a$/],
  ['an end within a header', tarEntry({ name: 'a' }).subarray(0, 500), /it ends without an end mark/],
  ['no end mark', tarEntry({ name: 'a' }), /it ends without an end mark/],
  ['an empty file', new Uint8Array(0), /it ends without an end mark/],
])('refuses %s', async (_, archive, message) => {
  await expect(read(archive)).rejects.toThrow(UserError)
  await expect(read(archive)).rejects.toThrow(/^a\.tar is not a valid tar archive: /)
  await expect(read(archive)).rejects.toThrow(message)
})

it('changed bytes never lead out of the folder, and give nothing but a UserError', async () => {
  const archive = tar({ name: 'a/b', content: 'hello' } satisfies TarEntry)
  const change = fc.tuple(fc.nat(archive.length - 1), fc.nat(255))
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 5 }), async (changes) => {
      const damaged = Uint8Array.from(archive)
      for (const [at, byte] of changes) damaged[at] = byte
      const names = await read(damaged).catch((error) => {
        expect(error).toBeInstanceOf(UserError)
        return []
      })
      for (const [name] of names) expect(name.startsWith('/') || name.includes('..')).toBe(false)
    }),
  )
})
