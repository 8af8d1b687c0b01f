/** At the operator port: who are you? Nothing of the node is shown before that. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { sentence } from '../format.ts'
import { RpcError } from '../rpc.ts'
import { signIn, type Session } from '../session.ts'

export interface SignInProps {
  /** Why the token of before does not count any more; null: there was none. */
  readonly why: RpcError | null
  readonly onSignedIn: (session: Session) => void
}

export function SignIn({ why, onSignedIn }: SignInProps): VNode {
  const field = useRef<HTMLInputElement>(null)
  const [error, setError] = useState(why)
  const [isAsking, setAsking] = useState(false)
  useEffect(() => field.current?.focus(), [])
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (isAsking) return
    setAsking(true)
    try {
      onSignedIn(await signIn(field.current?.value.trim() ?? ''))
    } catch (thrown) {
      if (!(thrown instanceof RpcError)) throw thrown
      setError(thrown)
      setAsking(false)
      field.current?.select()
    }
  }
  return html`<section class="card sign-in" aria-labelledby="title">
    <h1 id="title">Sign in to review</h1>
    <p class="lead">
      Here the operator of this node decides about held payments and sees its own numbers. That needs a token,
      made on the node’s machine:
    </p>
    <code class="command">cordon token create NAME --scope review --out FILE --dir NODE</code>
    <form onSubmit=${submit}>
      <label for="token">Token</label>
      <div class="sign-in-row">
        <input
          id="token"
          ref=${field}
          type="password"
          required
          placeholder="cordon-token-…"
          autocomplete="current-password"
          spellcheck=${false}
          aria-invalid=${error !== null}
          aria-describedby="token-problem token-kept"
          onInput=${() => {
            setError(null)
          }}
        />
        <button class="primary" disabled=${isAsking}>${isAsking ? 'Asking …' : 'Sign in'}</button>
      </div>
      <p id="token-problem" class="problem" role="alert">
        ${error === null ? '' : html`<b>${titleOf(error)}</b> ${sentence(error.message)}`}
      </p>
    </form>
    <p id="token-kept" class="quiet small">
      It stays in this tab until you sign out or close it, and is sent to this node only.
    </p>
  </section>`
}

function titleOf({ code }: RpcError): string {
  switch (code) {
    case 'unauthorized':
      return 'Not signed in.'
    case 'busy':
      return 'Too many tries.'
    default:
      return 'That did not work.'
  }
}
