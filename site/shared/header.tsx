/** @file The head of both pages. */

const pages = [
  { name: 'prune', href: './index.html', text: 'Prune' },
  { name: 'train', href: './train.html', text: 'Train' },
] as const

export function Header({ page }: { page: (typeof pages)[number]['name'] }) {
  return (
    <header class="top">
      <div class="wide">
        <span class="brand">Espalier</span>
        <nav aria-label="Pages">
          {pages.map(({ name, href, text }) => (
            <a key={name} href={href} aria-current={name === page ? 'page' : undefined}>
              {text}
            </a>
          ))}
        </nav>
        <span class="soft promise">
          Nothing leaves your browser. <a href="./licenses.txt">Licenses</a>
        </span>
      </div>
    </header>
  )
}
