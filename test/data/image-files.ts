/** @file Folders of small images. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import sharp from 'sharp'

export interface Drawing {
  width?: number
  height?: number
  /** Interleaved: of pixel (x, y), channel c. The number of channels is `channels`. */
  value?(c: number, y: number, x: number): number
  channels?: 1 | 2 | 3 | 4
}

/** A PNG or JPEG file, by its name; folders are made. */
export async function writeImage(path: string, drawing: Drawing = {}): Promise<string> {
  const { width = 4, height = 3, channels = 3, value = (c) => 10 * c } = drawing
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const pixel = Math.floor(i / channels)
    return value(i % channels, Math.floor(pixel / width), pixel % width)
  })
  mkdirSync(dirname(path), { recursive: true })
  let image = sharp(pixels, { raw: { width, height, channels } })
  if (channels < 3) image = image.toColourspace('b-w')
  const bytes = await (/png$/i.test(path) ? image.png() : image.jpeg({ quality: 95 })).toBuffer()
  writeFileSync(path, bytes)
  return path
}

/** Two classes, cat and dog, with two training images and one test image each; shades tell them apart. */
export async function writeImageFolder(folder: string, drawing: Drawing = {}): Promise<string> {
  let shade = 0
  for (const path of ['train/cat/a.png', 'train/cat/b.png', 'train/dog/a.png', 'train/dog/b.png'])
    await writeImage(join(folder, path), { value: constant(shade++), ...drawing })
  for (const path of ['test/cat/a.png', 'test/dog/a.png'])
    await writeImage(join(folder, path), { value: constant(100 + shade++), ...drawing })
  return folder
}

const constant = (shade: number) => () => shade
