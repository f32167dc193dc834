import { provideHttpClient, withFetch, withInterceptors } from '@angular/common/http';
import {
  type ApplicationConfig,
  inject,
  isDevMode,
  provideAppInitializer,
  provideBrowserGlobalErrorListeners,
  provideZonelessChangeDetection,
} from '@angular/core';
import {
  TitleStrategy,
  provideRouter,
  withComponentInputBinding,
  withInMemoryScrolling,
  withNavigationErrorHandler,
  withPreloading,
} from '@angular/router';
import { TranslocoService, provideTransloco } from '@jsverse/transloco';
import { provideEffects } from '@ngrx/effects';
import { provideState, provideStore } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { routes } from './app.routes';
import { languages } from './i18n/languages';
import { FetchWhenIdle, onNavigationError } from './shell/room-loading';
import { RoomTitles } from './shell/room-titles';
import { guardWrites, noticeExpiry } from './shared/api/csrf';
import { endWaits } from './shared/api/patience';
import { noticeTime } from './shared/api/server-time';
import * as lifeOfTheStream from './shared/realtime/stream-effects';
import * as approvalsEffects from './shared/state/approvals';
import { connection } from './shared/state/connection';
import * as notices from './shared/state/notices';
import * as jobsEffects from './shared/state/jobs';
import * as sessionEffects from './shared/state/session';
import { valueEvents } from './shared/state/value-events';
import { firstLanguage } from './shared/ui/preferences';

export const appConfig: ApplicationConfig = {
  providers: [
    provideZonelessChangeDetection(),
    provideBrowserGlobalErrorListeners(),
    provideHttpClient(
      withFetch(),
      withInterceptors([guardWrites, noticeExpiry, noticeTime, endWaits]),
    ),
    provideRouter(
      routes,
      withComponentInputBinding(),
      withInMemoryScrolling({ scrollPositionRestoration: 'disabled' }),
      withNavigationErrorHandler(onNavigationError),
      withPreloading(FetchWhenIdle),
    ),
    { provide: TitleStrategy, useClass: RoomTitles },
    provideStore(),
    provideState(sessionEffects.session),
    provideState(connection),
    provideState(valueEvents),
    provideState(jobsEffects.jobs),
    provideState(approvalsEffects.approvals),
    provideEffects({
      askWhoIsHere: sessionEffects.askWhoIsHere,
      signIn: sessionEffects.signIn,
      enter: sessionEffects.enter,
      setUpFirst: sessionEffects.setUpFirst,
      stayOutside: sessionEffects.stayOutside,
      signOut: sessionEffects.signOut,
      leave: sessionEffects.leave,
    }),
    provideEffects({
      followSession: lifeOfTheStream.followSession,
      noticeEndOfSession: lifeOfTheStream.noticeEndOfSession,
    }),
    provideEffects({ tellTheDesktop: notices.tellTheDesktop }),
    provideEffects({
      loadJobs: jobsEffects.loadJobs,
      loadUnknown: jobsEffects.loadUnknown,
      jobsFromTheServer: jobsEffects.startFromTheServer,
    }),
    provideEffects({
      loadPending: approvalsEffects.loadPending,
      sendDecision: approvalsEffects.sendDecision,
      approvalsFromTheServer: approvalsEffects.startFromTheServer,
      askWhatIMay: approvalsEffects.askWhatIMay,
      noticeDecisionsOfOthers: approvalsEffects.noticeDecisionsOfOthers,
      tellOtherTabs: approvalsEffects.tellOtherTabs,
      hearOtherTabs: approvalsEffects.hearOtherTabs,
      lookWhatStillWaits: approvalsEffects.lookWhatStillWaits,
    }),
    provideTransloco({
      config: {
        availableLangs: ['en', 'zh'],
        defaultLang: firstLanguage(),
        fallbackLang: 'en',
        reRenderOnLangChange: true,
        prodMode: !isDevMode(),
        missingHandler: { logMissingKey: false, useFallbackTranslation: false },
      },
      loader: languages,
    }),
    // The first paint has its words: no key and no empty label is ever shown.
    provideAppInitializer(() => firstValueFrom(inject(TranslocoService).load(firstLanguage()))),
  ],
};
