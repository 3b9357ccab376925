import { Link, Outlet } from '@tanstack/react-router'
import { includesRole } from '#protocol/roles.js'
import { useLiveConnection } from '../server/connection.js'
import { useSession } from '../server/session.js'
import { Connection } from './connection.js'
import { Logo } from './logo.js'
import { PLACES } from './places.js'
import css from './shell.module.css'
import { UserMenu } from './user-menu.js'

/** What is around every page: where one can go, who one is, whether what is seen is live. */
export function Shell() {
  useLiveConnection()
  const { role } = useSession()
  const places = PLACES.filter((place) => includesRole(role, place.role))
  return (
    <div className={css['shell']}>
      <a className={css['skip']} href="#content">
        Skip to content
      </a>
      <nav className={css['rail']} aria-label="Main">
        <div className={css['brand']}>
          <Logo />
          <span className={css['name']}>Tributary</span>
        </div>
        <ul className={css['places']}>
          {places.map(({ to, label, icon: Icon }) => (
            <li key={to}>
              <Link to={to} className={css['place']} activeProps={{ 'aria-current': 'page' }}>
                <Icon size={16} aria-hidden="true" />
                <span className={css['label']}>{label}</span>
              </Link>
            </li>
          ))}
        </ul>
        <div className={css['foot']}>
          <Connection />
          <UserMenu />
        </div>
      </nav>
      <main id="content" className={css['content']} tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  )
}
