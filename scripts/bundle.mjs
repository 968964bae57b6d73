// Makes the package that npm packs: the modules of dist (tsc's) and what they import become a few files in
// lib, with their types, so that whoever installs espalier installs hardly anything else. What stays outside:
// Node's own modules, the optional peers, and the dependencies in package.json. The pages of the studio and
// of reports (site/studio, site/report) become scripts in lib/pages.
//
// Usage: node scripts/bundle.mjs, after tsc -p tsconfig.build.json
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const {
  dependencies,
  exports: exported,
  peerDependencies,
} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const outside = [...Object.keys(dependencies), ...Object.keys(peerDependencies)]
const isOfNode = (id) => id.startsWith('node:')
const external = (id) => isOfNode(id) || outside.some((name) => id === name || id.startsWith(`${name}/`))

/** The entries that package.json exports: files of lib, each made of the module of the same name in dist. */
const entries = Object.fromEntries(
  Object.values(exported).flatMap(({ types }) => {
    const name = /^\.\/lib\/(.*)\.d\.ts$/.exec(types)?.[1]
    return name === undefined ? [] : [[name, name]]
  }),
)
const [ofPages, ofNode] = [true, false].map((pages) =>
  Object.fromEntries(Object.entries(entries).filter(([name]) => name.startsWith('web') === pages)),
)
/** Programs: nobody imports them, so they have no types. */
const programs = {
  cli: 'cli/main',
  'bench-contender': 'cli/bench/contender-process',
  'hdf5-worker': 'formats/hdf5-worker',
  'webgpu-worker': 'engine/machines/webgpu-worker',
}

const input = (files, ending) =>
  Object.fromEntries(Object.entries(files).map(([name, module]) => [name, join(root, 'dist', `${module}${ending}`)]))

/** All files lie in one folder: what finds another by its own place, as hdf5.ts does its worker, finds it. */
async function bundle(options, output) {
  const build = await rolldown({ cwd: root, platform: 'node', external, checks: { pluginTimings: false }, ...options })
  const made = await build.write({ dir: join(root, 'lib'), format: 'esm', ...output })
  await build.close()
  return made.output
}

rmSync(join(root, 'lib'), { recursive: true, force: true })
const names = { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' }
const code = await bundle({ input: input({ ...ofNode, ...programs }, '.js') }, names)
// A page has nobody to find a package for it, nor to make its files small: they hold the dependencies, too.
const pages = { input: input(ofPages, '.js'), platform: 'browser', external: isOfNode }
code.push(...(await bundle(pages, { ...names, minify: true })))
for (const name of ['studio', 'report']) code.push(...(await page(name)))
const styles = ['shared/style.css', 'views/style.css'].map((file) => readFileSync(join(root, 'site', file), 'utf8'))
writeFileSync(join(root, 'lib/pages/views.css'), styles.join('').replace(/\/\*.*?\*\/|^ +/gms, ''))
copyFileSync(join(root, 'site/shared/icon.svg'), join(root, 'lib/pages/icon.svg'))
const types = dts({ dtsInput: true })
await bundle({ input: input(entries, '.d.ts'), plugins: [types] }, {})
writeFileSync(join(root, 'lib', 'LICENSES.txt'), licenses(code))

/** The script of a page of site/ that the package ships, whole, and small. */
function page(name) {
  const options = { input: { [name]: join(root, 'site', name, 'main.tsx') }, platform: 'browser', external: isOfNode }
  // A report carries its script in the file, and the notice of whose it is with it.
  const banner = '/*! Contains Preact, (c) 2015-present Jason Miller, MIT License */'
  const output = { dir: join(root, 'lib/pages'), format: 'iife', entryFileNames: '[name].js', minify: true }
  return bundle(options, { ...output, postBanner: banner })
}

/** The licenses of all packages that went into some chunks. */
function licenses(chunks) {
  const folders = chunks.flatMap(({ moduleIds = [] }) =>
    moduleIds.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []),
  )
  const texts = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
    const text = file ? readFileSync(join(folder, file), 'utf8').trim() : ''
    return `${name} ${version} (${license})\n\n${text}`
  })
  return `Espalier contains code of these packages.\n\n${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}
