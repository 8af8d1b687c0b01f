/** The page: its frame, the search, the keys, and which view is shown (the part of the address after `#`). */
import { html } from 'htm/preact'
import { render, type VNode } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Live } from './live.ts'
import { LiveContext, useLive } from './parts/use-live.ts'
import { isOperatorPort } from './place.ts'
import { RpcError } from './rpc.ts'
import { bringsToken, broughtToken, keptToken, signIn, signOut, type Session } from './session.ts'
import { Account } from './views/account.ts'
import { Api, Block, Nowhere, Validators } from './views/chain.ts'
import { Hold } from './views/hold.ts'
import { Holds } from './views/holds.ts'
import { Node } from './views/node.ts'
import { Overview } from './views/overview.ts'
import { SignIn } from './views/sign-in.ts'
import { Transaction } from './views/transaction.ts'
import { pathOfSearch } from './search.ts'
import { nextTheme, rememberTheme, themeOf, type Theme } from './theme.ts'

const URL_OF_NODE = location.origin.replace(/^http/, 'ws')

function path(): string {
  return bringsToken() ? '/' : location.hash.replace(/^#/, '') || '/'
}

function viewOf(place: string): VNode {
  const [, name = '', argument = ''] = place.split('/')
  switch (name) {
    case '':
      return html`<${Overview} />`
    case 'holds':
      return html`<${Holds} />`
    case 'validators':
      return html`<${Validators} />`
    case 'node':
      if (isOperatorPort) return html`<${Node} />`
      break
    case 'hold':
      return html`<${Hold} id=${argument} />`
    case 'tx':
      return html`<${Transaction} id=${argument} />`
    case 'account':
      return html`<${Account} address=${argument} />`
    case 'api':
      return html`<${Api} method=${argument} />`
    case 'block':
      if (/^\d{1,15}$/.test(argument)) return html`<${Block} height=${Number(argument)} />`
  }
  return html`<${Nowhere} path=${place} />`
}

interface Place {
  readonly path: string
  readonly title: string
  readonly key: string
}

const PLACES: readonly Place[] = [
  { path: '/', title: 'Overview', key: 'o' },
  { path: '/holds', title: 'Holds', key: 'h' },
  { path: '/validators', title: 'Validators', key: 'v' },
  ...(isOperatorPort ? [{ path: '/node', title: 'Node', key: 'n' }] : []),
]

/** The page of everybody, or that of whoever signs in first. */
function Root(): VNode {
  return isOperatorPort ? html`<${ForOperators} />` : html`<${Following} session=${null} />`
}

function ForOperators(): VNode {
  const [session, setSession] = useState<Session | null>(null)
  const [why, setWhy] = useState<RpcError | null>(null)
  const [isAsking, setAsking] = useState(known !== null)
  const leave = (error: RpcError | null): void => {
    signOut()
    setSession(null)
    setWhy(error)
  }
  const enter = async (token: string): Promise<void> => {
    setAsking(true)
    try {
      setSession(await signIn(token))
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      // A node that is away may know the token when it is back.
      if (error.code === 'unauthorized') leave(error)
      else setWhy(error)
    }
    setAsking(false)
  }
  useEffect(() => {
    if (known !== null) void enter(known)
    // A link may be opened in a tab that is here already.
    const moved = (): void => {
      const token = broughtToken()
      if (token !== null) void enter(token)
    }
    window.addEventListener('hashchange', moved)
    return () => {
      window.removeEventListener('hashchange', moved)
    }
  }, [])
  if (session !== null) return html`<${Following} session=${session} onSignOut=${leave} />`
  return html`<header class="top"><${Wordmark} /> <${ThemeButton} /></header>
    <main id="main">
      ${isAsking
        ? html`<p class="empty">Signing in …</p>`
        : html`<${SignIn} why=${why} onSignedIn=${setSession} />`}
    </main>`
}

type OnSignOut = (why: RpcError | null) => void

/** The page on a line of its own to the node. */
function Following({
  session,
  onSignOut = () => undefined,
}: {
  readonly session: Session | null
  readonly onSignOut?: OnSignOut
}): VNode {
  const live = useMemo(() => new Live({ url: URL_OF_NODE, session, onRefused: onSignOut }), [session])
  useEffect(
    () => () => {
      live.close()
    },
    [live],
  )
  return html`<${LiveContext.Provider} value=${live}><${Page} onSignOut=${() => onSignOut(null)} /></${LiveContext.Provider}>`
}

function Page({ onSignOut }: { readonly onSignOut: () => void }): VNode {
  const [place, setPlace] = useState(path())
  const main = useRef<HTMLElement>(null)
  useEffect(() => {
    const moved = (): void => {
      setPlace(path())
      window.scrollTo(0, 0)
      main.current?.focus()
    }
    window.addEventListener('hashchange', moved)
    return () => {
      window.removeEventListener('hashchange', moved)
    }
  }, [])
  return html`<a
      class="skip"
      href="#main"
      onClick=${(event: Event) => {
        event.preventDefault()
        main.current?.focus()
      }}
      >Skip to the content</a
    >
    <${Top} place=${place} onSignOut=${onSignOut} />
    <main id="main" tabindex="-1" ref=${main}>${viewOf(place)}</main>
    <${Bottom} />`
}

interface TopProps {
  readonly place: string
  readonly onSignOut: () => void
}

function Wordmark(): VNode {
  return html`<a class="wordmark" href="#/"
    ><svg viewBox="0 0 24 24" aria-hidden="true">
      <path d="M20 12a8 8 0 1 1-3.2-6.4" />
      <path d="M3 21 21 3" />
    </svg>
    Cordon</a
  >`
}

function Top({ place, onSignOut }: TopProps): VNode {
  const { status, session } = useLive()
  return html`<header class="top">
    <${Wordmark} />
    <span class="chip" title=${status?.genesisHash}>${status?.network ?? '…'}</span>
    <nav aria-label="Pages">
      ${PLACES.map(
        ({ path: to, title }) =>
          html`<a key=${to} href=${`#${to}`} aria-current=${place === to ? 'page' : undefined}>${title}</a>`,
      )}
    </nav>
    <${Search} />
    ${session === null ? null : html`<${WhoButton} session=${session} onSignOut=${onSignOut} />`}
    <${ThemeButton} />
  </header>`
}

function WhoButton({
  session: { identity },
  onSignOut,
}: {
  readonly session: Session
  readonly onSignOut: () => void
}): VNode {
  const { token, scope } = identity
  return html`<button
    class="who"
    title=${`Signed in with the token ${token}, scope ${scope}.`}
    onClick=${onSignOut}
  >
    Sign out <span class="quiet wide">${token}</span>
  </button>`
}

function Search(): VNode {
  const field = useRef<HTMLInputElement>(null)
  const [problem, setProblem] = useState('')
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return
      if (document.querySelector('dialog[open]') !== null) return
      if (event.key === '/') {
        event.preventDefault()
        field.current?.focus()
      }
      const to = PLACES.find(({ key }) => key === event.key)
      if (to !== undefined) location.hash = to.path
    }
    window.addEventListener('keydown', pressed)
    return () => {
      window.removeEventListener('keydown', pressed)
    }
  }, [])
  const find = (event: Event): void => {
    event.preventDefault()
    const text = field.current?.value.trim() ?? ''
    const to = pathOfSearch(text)
    setProblem(to === null ? 'Expected a transaction id, a hold id, an address or a block number.' : '')
    if (to === null) return
    location.hash = to
    if (field.current !== null) field.current.value = ''
  }
  return html`<form class="search" role="search" onSubmit=${find}>
    <input
      ref=${field}
      type="search"
      placeholder="Transaction, account or block"
      aria-label="Find a transaction, an account or a block"
      aria-describedby="search-problem"
      spellcheck=${false}
      autocomplete="off"
      onInput=${() => {
        setProblem('')
      }}
    />
    <kbd aria-hidden="true">/</kbd>
    <span id="search-problem" class="search-problem" role="alert">${problem}</span>
  </form>`
}

function ThemeButton(): VNode {
  const [theme, setTheme] = useState<Theme>(themeOf())
  const next = nextTheme(theme)
  return html`<button
    class="theme"
    title=${`Colours: ${theme}. Press for ${next}.`}
    aria-label=${`Colours: ${theme}. Change to ${next}.`}
    onClick=${() => {
      rememberTheme(next)
      setTheme(next)
    }}
  >
    ${theme === 'dark' ? '☾' : theme === 'light' ? '☀' : '◐'}
  </button>`
}

function Bottom(): VNode {
  const { status } = useLive()
  return html`<footer>
    <span
      >${status === null
        ? ''
        : `${status.validator === null ? 'full node' : `validator ${status.validator}`} · Cordon ${status.version} · ${status.peers} peers`}</span
    >
    <span
      >Keys: ${PLACES.map(({ key, title }) => html`<kbd key=${key}>${key}</kbd> ${title.toLowerCase()} `)}
      <kbd>/</kbd> find</span
    >
  </footer>`
}

rememberTheme(themeOf())
// Before anything is drawn: a link may have brought a token, which has no business in the address.
const known = isOperatorPort ? (broughtToken() ?? keptToken()) : null
const root = document.getElementById('page')
if (root !== null) render(html`<${Root} />`, root)
