/** @file Tar archives of any content. */

export interface TarEntry {
  name: string
  content?: Uint8Array | string
  type?: string
  prefix?: string
  /** What the header says, where it is not the length of the content. */
  size?: string
  checksum?: number
}

const encode = (text: string) => new TextEncoder().encode(text)

export function tarEntry({ name, content = '', type = '0', prefix, size, checksum }: TarEntry): Uint8Array {
  const bytes = typeof content === 'string' ? encode(content) : content
  const header = new Uint8Array(512)
  const put = (at: number, text: string) => header.set(encode(text), at)
  put(0, name)
  put(100, '0000644\0')
  put(124, size ?? `${bytes.length.toString(8).padStart(11, '0')}\0`)
  put(148, '        ')
  put(156, type)
  put(257, 'ustar\u000000')
  put(345, prefix ?? '')
  const sum = checksum ?? header.reduce((a, b) => a + b, 0)
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `)
  const padding = new Uint8Array((512 - (bytes.length % 512)) % 512)
  return Buffer.concat([header, bytes, padding])
}

export const tar = (...entries: TarEntry[]): Uint8Array =>
  Buffer.concat([...entries.map(tarEntry), new Uint8Array(1024)])
