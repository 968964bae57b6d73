// The public declarations of every entry of the package, without comments, so that a change of the API is a
// difference that is read: docs/entries/*.d.ts. What an entry exports comes first, then what stands behind
// that without being exported, each in the order of names.
//
// Usage: npm run api, or node scripts/api.mjs [--check] after a build; --check compares instead of writing
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { exports: exported } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** Modules of dist by the name that they are imported by. */
const entries = Object.entries(exported).flatMap(([path, { types }]) =>
  types ? [{ name: path.replace('.', 'espalier'), module: types.replace('./lib/', '') }] : [],
)

const options = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, skipLibCheck: true, types: ['node'] }
const program = ts.createProgram(
  entries.map(({ module }) => join(root, 'dist', module)),
  options,
)
const checker = program.getTypeChecker()
const printer = ts.createPrinter({ removeComments: true })

/** All that an entry declares, as text. */
function surface(name, file) {
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(file))
  const open = new Map(symbols.map((symbol) => [resolved(symbol), symbol.name]))
  const behind = new Map()
  for (const symbol of open.keys())
    for (const other of mentioned(symbol)) if (!open.has(other)) behind.set(other, other.name)
  // A map can grow while it is walked through.
  for (const symbol of behind.keys())
    for (const other of mentioned(symbol)) if (!open.has(other)) behind.set(other, other.name)
  const sections = [
    `// What ${name} exports. Written by scripts/api.mjs (npm run api).`,
    ...byName(open),
    ...(behind.size > 0 ? ['// Behind it.', ...byName(behind)] : []),
  ]
  return `${sections.join('\n\n')}\n`
}

const byName = (symbols) =>
  [...symbols]
    .sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([symbol]) => declarations(symbol).map(printed).join('\n'))

const resolved = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol)

/** Where a symbol is declared in this package, as whole statements. */
const declarations = (symbol) =>
  (symbol.declarations ?? [])
    .map((node) => (ts.isVariableDeclaration(node) ? node.parent.parent : node))
    .filter(
      (node) =>
        node.parent && ts.isSourceFile(node.parent) && node.getSourceFile().fileName.includes(`${sep}dist${sep}`),
    )

const printed = (node) => printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())

/** The symbols of this package that a declaration names. */
function mentioned(symbol) {
  const found = new Set()
  const visit = (node) => {
    if (ts.isIdentifier(node)) {
      const named = checker.getSymbolAtLocation(node)
      const target = named && resolved(named)
      if (target && target !== symbol && declarations(target).length > 0) found.add(target)
    }
    ts.forEachChild(node, visit)
  }
  for (const node of declarations(symbol)) visit(node)
  return found
}

for (const { name, module } of entries) {
  const path = join('docs', 'entries', `${name.replaceAll('/', '-')}.d.ts`)
  const text = surface(name, program.getSourceFile(join(root, 'dist', module)))
  if (!process.argv.includes('--check')) writeFileSync(join(root, path), text)
  else if (!existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text) {
    console.error(`${path} is not what ${name} exports: if that is meant, npm run api writes it anew`)
    process.exitCode = 1
  }
}
