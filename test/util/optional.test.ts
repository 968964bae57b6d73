import { expect, it } from 'vitest'
import { UserError } from '../../src/util/errors.ts'
import { type OptionalPackage, optional } from '../../src/util/optional.ts'

const refusal = async (packages: OptionalPackage[], load: () => Promise<unknown>): Promise<UserError> => {
  try {
    await optional(packages, 'drawing', load)
  } catch (error) {
    if (error instanceof UserError) return error
  }
  throw new Error('expected a UserError')
}
const failure = (message: string, code?: string) => Promise.reject(Object.assign(new Error(message), { code }))

it('what is there is returned', async () => {
  expect(await optional(['vega'], 'drawing', async () => 7)).toBe(7)
})

it('what is not installed is named, without the path of who asked', async () => {
  // As Node says it.
  const absent = () => failure("Cannot find package 'vega-lite' imported from /a/b.js", 'ERR_MODULE_NOT_FOUND')
  expect((await refusal(['vega', 'vega-lite'], absent)).message).toBe(
    'drawing needs vega and vega-lite: npm install vega vega-lite',
  )
})

it('what is installed and does not load says why, in one line', async () => {
  const unloadable = () => failure('\nCould not load the "sharp" module\nPossible solutions:\n- none')
  expect((await refusal(['sharp'], unloadable)).message).toBe(
    'drawing needs sharp: npm install sharp (they do not load: Could not load the "sharp" module)',
  )
})

it('another package that is absent is not mistaken for one of them', async () => {
  const other = () => failure("Cannot find package 'vega-loader' imported from /a/b.js", 'ERR_MODULE_NOT_FOUND')
  expect((await refusal(['vega'], other)).message).toContain("(they do not load: Cannot find package 'vega-loader'")
})
