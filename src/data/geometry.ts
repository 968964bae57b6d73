/** @file Which size images get: what can be asked for, and what is usual otherwise. */
import { UserError } from '../util/errors.ts'

/** How images become those of a plane: cut, with margins, or out of proportion. */
export const fits = ['crop', 'letterbox', 'stretch'] as const
export type Fit = (typeof fits)[number]

export interface Geometry {
  /**
   * Rows and columns that images get, in the place of `size` and `crop`: by `fit`, default `crop`. They are
   * resized until they just cover the plane, and what reaches beyond it is cut off (`crop`), until they just
   * fit into it, with gray margins (`letterbox`), or in each direction by itself (`stretch`).
   */
  plane?: readonly [number, number]
  fit?: Fit
  /** The shorter side after resizing (bilinear, antialiased), in pixels. Absent: images keep their size. */
  size?: number
  /**
   * The side of the square cut from the middle, in pixels. Default: `size`; without either, the whole image.
   */
  crop?: number
}

/**
 * The geometry by options, with what they leave out filled in; empty where images keep their size. Throws
 * UserError where a size is none, or they do not go together.
 */
export function geometryOf(options: Geometry & { usual?: Geometry }): Geometry {
  const given = [options.size, options.crop, options.plane].some((value) => value !== undefined)
  const {
    size,
    crop = size,
    plane,
    fit,
  } = given ? options : { ...options.usual, fit: options.fit ?? options.usual?.fit }
  if (plane) {
    plane.forEach((n) => void checkPixels('size', n))
    if (crop !== undefined) throw new UserError(`crop: expected none beside a size of rows x columns, found ${crop}`)
    return { plane, fit: fit ?? 'crop' }
  }
  if (fit !== undefined) throw new UserError(`fit: expected a size to fit images to, found ${fit} without one`)
  checkPixels('size', size)
  checkPixels('crop', crop)
  if (size !== undefined && crop !== undefined && crop > size)
    throw new UserError(`crop: expected at most the size ${size}, found ${crop}`)
  return { ...(size !== undefined && { size }), ...(crop !== undefined && { crop }) }
}

function checkPixels(name: string, value: number | undefined): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && value > 0))
    throw new UserError(`${name}: expected a whole number of pixels above 0, found ${value}`)
}
