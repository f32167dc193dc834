import { bootstrapApplication } from '@angular/platform-browser';
import { App } from './app/app';
import { appConfig } from './app/app.config';

// The frame is fetched while the server is still being asked who is here.
void import('./app/shell/shell');

bootstrapApplication(App, appConfig).catch((error: unknown) => console.error(error));
