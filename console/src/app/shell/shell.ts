import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  HostListener,
  Injector,
  afterNextRender,
  computed,
  effect,
  inject,
  signal,
  viewChild,
} from '@angular/core';
import { takeUntilDestroyed, toSignal } from '@angular/core/rxjs-interop';
import { NavigationEnd, Router, RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { distinctUntilChanged, filter, map, skip, startWith } from 'rxjs';
import { approvals } from '../shared/state/approvals';
import { connection } from '../shared/state/connection';
import { SessionEvents, session } from '../shared/state/session';
import { Unread } from '../shared/state/unread';
import { Inbox } from '../shared/stream/inbox';
import { EventStream } from '../shared/realtime/event-stream';
import { Clock } from '../shared/ui/clock';
import { Icon } from '../shared/ui/icon';
import { keepFocus } from '../shared/ui/keep-focus';
import { Preferences, stored } from '../shared/ui/preferences';
import { timeOfDay } from '../shared/ui/time';
import { isOverlaid, isTyping } from '../shared/ui/typing';
import { AccountMenu } from './account-menu';
import { MoreRooms } from './more-rooms';
import { PageProblem } from './page-problem';
import { type Command, Palette } from './palette';
import { RoomLoading } from './room-loading';
import { places, rooms } from './rooms';
import { ScopeSwitch } from './scope-switch';
import { Shortcuts } from './shortcuts';

const BANNER_AFTER_MS = 3_000;

/** The frame that every room stands in: the rail, the bar, and what the connection has to say. */
@Component({
  selector: 'aos-shell',
  imports: [
    AccountMenu,
    Icon,
    Inbox,
    MoreRooms,
    PageProblem,
    Palette,
    RouterLink,
    RouterLinkActive,
    RouterOutlet,
    ScopeSwitch,
    Shortcuts,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './shell.html',
  styleUrls: ['./entry.css', './me.css', './shell.css'],
})
export class Shell {
  private readonly store = inject(Store);
  private readonly router = inject(Router);
  private readonly clock = inject(Clock);
  private readonly stream = inject(EventStream);
  private readonly rooming = inject(RoomLoading);
  protected readonly roomFailed = this.rooming.failed;
  private readonly inbox = viewChild<ElementRef<HTMLButtonElement>>('inbox');
  private readonly drawer = viewChild<ElementRef<HTMLElement>>('drawer');
  private readonly main = viewChild.required<ElementRef<HTMLElement>>('main');
  private readonly injector = inject(Injector);
  private readonly preferences = inject(Preferences);

  protected readonly unread = inject(Unread);
  protected readonly rooms = rooms;
  protected readonly onBar = rooms.slice(0, 4);
  protected readonly underMore = rooms.slice(4);

  protected readonly me = this.store.selectSignal(session.selectMe);
  private readonly mayCreate = this.store.selectSignal(session.selectMay('task.create'));
  protected readonly mayDecide = this.store.selectSignal(session.selectMay('approval.decide'));
  private readonly pending = this.store.selectSignal(approvals.selectMine);
  /** What waits for others does not wait for whoever may only look at it. */
  protected readonly waiting = computed(() => (this.mayDecide() ? this.pending() : []));
  protected readonly line = this.store.selectSignal(connection.selectConnectionState);

  protected readonly isPinned = signal(stored.get('rail') === 'open');
  protected readonly hasInbox = signal(false);
  protected readonly open = signal<'palette' | 'shortcuts' | null>(null);

  private readonly url = toSignal(
    this.router.events.pipe(
      filter((event) => event instanceof NavigationEnd),
      map((event) => event.urlAfterRedirects),
      startWith(this.router.url),
    ),
    { initialValue: this.router.url },
  );
  protected readonly room = computed((): string => {
    const [, path] = this.url().split(/[/?#]/);
    return rooms.find((room) => room.path === path)?.path ?? '';
  });
  protected readonly roomName = computed(() =>
    this.room() ? `rooms.${this.room()}` : 'notFound.title',
  );
  /** On the way to a page that is not there yet; the bar shows it once that takes long enough to be noticed. */
  protected readonly isArriving = computed(() => this.router.currentNavigation() !== null);

  protected readonly isLost = computed(() => {
    const { lostAt } = this.line();
    return lostAt !== null && this.clock.now() - lostAt > BANNER_AFTER_MS;
  });
  protected readonly lostSince = computed(() => {
    const { lostAt } = this.line();
    return lostAt === null ? '' : timeOfDay(lostAt, this.preferences.language());
  });
  protected readonly initial = computed(() =>
    (this.me()?.user.name || this.me()?.user.email || '?').slice(0, 1).toUpperCase(),
  );

  protected readonly commands = computed((): Command[] => [
    ...rooms.map(({ path, icon }): Command => ({
      key: `rooms.${path}`,
      icon,
      run: () => void this.router.navigate(['/', path]),
    })),
    ...(this.mayCreate()
      ? [{ key: 'palette.newChat', icon: 'plus', run: () => this.newChat() } as const]
      : []),
    { key: 'palette.inbox', icon: 'inbox', run: () => this.hasInbox.set(true) },
    ...places
      .filter(({ needs }) => !needs || this.me()?.permissions.includes(needs))
      .map(({ key, icon, url }): Command => ({
        key: `palette.place.${key}`,
        icon,
        run: () => void this.router.navigateByUrl(url),
      })),
    { key: 'palette.theme', icon: 'moon', run: () => this.preferences.turn() },
    { key: 'palette.language', icon: 'globe', run: () => this.preferences.speakOther() },
    { key: 'palette.light', icon: 'sun', run: () => this.preferences.theme.set('light') },
    { key: 'palette.dark', icon: 'moon', run: () => this.preferences.theme.set('dark') },
    { key: 'palette.system', icon: 'system', run: () => this.preferences.theme.set('system') },
    { key: 'palette.en', icon: 'globe', run: () => this.preferences.choose('en') },
    { key: 'palette.zh', icon: 'globe', run: () => this.preferences.choose('zh') },
    { key: 'shortcuts.title', icon: 'keyboard', run: () => this.open.set('shortcuts') },
    { key: 'session.signOut', icon: 'leave', run: () => this.signOut() },
  ]);

  constructor() {
    keepFocus();
    // What is open over a page belongs to that page.
    this.router.events
      .pipe(
        filter((event) => event instanceof NavigationEnd),
        takeUntilDestroyed(),
      )
      .subscribe(() => {
        this.hasInbox.set(false);
        this.roomFailed.set(null);
      });
    this.router.events
      .pipe(
        filter((event) => event instanceof NavigationEnd),
        map((event) => event.urlAfterRedirects.split(/[?#]/)[0]),
        distinctUntilChanged(),
        skip(1),
        takeUntilDestroyed(),
      )
      .subscribe(() => this.goOnInRoom());
    effect(() => this.drawer()?.nativeElement.focus());
    // The stream is in sight in the Chat Hub, for as long as somebody has the tab before them.
    effect(() => {
      this.clock.now();
      if (this.room() === 'chat' && document.visibilityState === 'visible') this.unread.look();
    });
  }

  private awaitsRoom = false;

  @HostListener('document:keydown', ['$event'])
  protected onKey(event: KeyboardEvent): void {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      if (!isOverlaid()) this.open.set('palette');
      return;
    }
    if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event) || isOverlaid()) return;
    // A dialog of a room has the keys to itself: nobody means to leave a half-written form with `g`.
    if (document.querySelector('dialog[open]')) return;
    if (this.awaitsRoom) {
      this.awaitsRoom = false;
      const room = rooms.find(({ key }) => key === event.key);
      if (room) void this.router.navigate(['/', room.path]);
      return;
    }
    if (event.key === '/') {
      event.preventDefault();
      this.open.set('palette');
    } else if (event.key === '?') this.open.set('shortcuts');
    else if (event.key === 'g') this.awaitsRoom = true;
    else if (event.key === 'i') this.showInbox();
    else if (event.key === 'c' && this.mayCreate()) this.newChat();
    else if (event.key === 'Escape' && this.hasInbox()) this.closeInbox();
  }

  /** What led to the page and went with the one before has left the focus nowhere: Tab would begin at the rail again. */
  private goOnInRoom(): void {
    const go = () => {
      if (document.activeElement === document.body)
        this.main().nativeElement.focus({ preventScroll: true });
    };
    afterNextRender(go, { injector: this.injector });
  }
  private newChat(): void {
    // Where the composer is there already; one that is on its way takes the focus by itself.
    void this.router
      .navigate(['/chat'], { state: { writes: true } })
      .then(() => document.getElementById('goal')?.focus());
  }
  protected pin(): void {
    this.isPinned.update((isPinned) => !isPinned);
    stored.set('rail', this.isPinned() ? 'open' : 'closed');
  }
  protected showInbox(): void {
    if (this.hasInbox()) this.closeInbox();
    else this.hasInbox.set(true);
  }
  protected closeInbox(): void {
    this.hasInbox.set(false);
    this.inbox()?.nativeElement.focus();
  }
  protected retryRoom(url: string): void {
    this.rooming.failed.set(null);
    void this.router.navigateByUrl(url);
  }
  protected retryNow(): void {
    this.stream.retryNow();
  }
  protected signOut(): void {
    this.store.dispatch(SessionEvents.signOutPressed());
  }
}
