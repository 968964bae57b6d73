/** @file Which size images get: what was asked for, else what is usual. */
import { UserError } from '../util/errors.ts'
import type { Geometry } from './decode-image.ts'

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
