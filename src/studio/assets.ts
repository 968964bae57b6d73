/**
 * @file The files that the studio serves: those of its page and, where they were built, the pages that prune
 * and train. All are listed when it begins, so that no address leads anywhere else.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { pageFile } from '../report/page-file.ts'
import { paletteStyle } from '../report/pictures/theme.ts'
import { packageFile } from '../util/package.ts'

export interface Asset {
  type: string
  /** Read when it is asked for: the playground has megabytes. */
  read(): Uint8Array<ArrayBuffer>
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
}

/** Where the pages that prune and train are, once they were built (npm run build:site). */
const PLAYGROUND = 'build/site'

/** All files by their addresses. Throws UserError where the studio's own page was not built. */
export function assets(): Map<string, Asset> {
  const files = new Map<string, Asset>()
  const text = (path: string, content: string) =>
    files.set(path, { type: types[extname(path)], read: () => new TextEncoder().encode(content) })
  text('/index.html', PAGE)
  text('/studio.js', pageFile('studio.js'))
  text('/studio.css', `${pageFile('views.css')}${paletteStyle()}`)
  text('/icon.svg', pageFile('icon.svg'))
  const folder = packageFile(PLAYGROUND)
  if (!existsSync(join(folder, 'index.html'))) return files
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const type = types[extname(path)] ?? 'application/octet-stream'
    const address = `/playground/${path.slice(folder.length + 1).replaceAll('\\', '/')}`
    files.set(address, { type, read: () => new Uint8Array(readFileSync(path)) })
  }
  return files
}

/** What the studio's page may do: nothing but ask the studio. */
export const POLICY =
  "default-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Espalier studio</title>
<link rel="icon" type="image/svg+xml" href="/icon.svg">
<link rel="stylesheet" href="/studio.css">
<script type="module" src="/studio.js"></script>
</head>
<body class="studio">
<div id="app"></div>
<noscript><p>The studio shows runs as they go and needs JavaScript; espalier report shows them without.</p></noscript>
</body>
</html>
`
