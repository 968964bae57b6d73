/** @file Where a command draws a picture to (--picture), asked before the work whose result it shows. */

import type { Picture } from '../../report/pictures/draw.ts'
import { UserError } from '../../util/errors.ts'
import { writeAtomically } from '../../util/files.ts'
import { optional } from '../../util/optional.ts'
import { checkOutput } from './output-file.ts'

/**
 * What writes a picture there, over one that exists. Throws UserError where the name does not end in `.svg`,
 * nothing can be written there, one of the `inputs` lies there, or what draws is not installed.
 */
export async function pictureWriter(
  path: string,
  inputs: readonly string[],
): Promise<(picture: Picture) => Promise<void>> {
  if (!/\.svg$/i.test(path)) throw new UserError(`--picture: expected a name that ends in .svg, found ${path}`)
  checkOutput(path, { inputs, force: true })
  const { drawFile } = await optional(['vega', 'vega-lite'], '--picture', () => import('../../report/pictures/draw.ts'))
  return async (picture) => writeAtomically(path, await drawFile(picture))
}
