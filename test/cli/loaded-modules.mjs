// node --import THIS PROGRAM: writes to LOADED_MODULES the address of every module that the program loads.
import { writeFileSync } from 'node:fs'
import { register } from 'node:module'

const hooks = `
import { appendFileSync } from 'node:fs'
export const load = (url, context, next) => {
  appendFileSync(${JSON.stringify(process.env.LOADED_MODULES)}, url + '\\n')
  return next(url, context)
}`
writeFileSync(process.env.LOADED_MODULES, '')
register(`data:text/javascript,${encodeURIComponent(hooks)}`, import.meta.url)
