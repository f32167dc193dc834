import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import type { Type } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import type { Page, Project } from '@aos/contracts';
import type { Observable } from 'rxjs';

interface HasProjects {
  projects(): Observable<Page<Project>>;
}

/** The names of the projects that a part of the console offers, where two of the server's three are called alike. */
export function projectsOffered(by: Type<HasProjects>): string[] {
  TestBed.configureTestingModule({
    providers: [by, provideHttpClient(), provideHttpClientTesting()],
  });
  const names: string[] = [];
  TestBed.inject(by)
    .projects()
    .subscribe(({ items }) => names.push(...items.map(({ name }) => name)));
  const items = [
    { id: 'airfield', name: 'Airfield' },
    { id: 'airfield-2', name: 'Airfield ' },
    { id: 'port', name: 'Port' },
  ];
  TestBed.inject(HttpTestingController)
    .expectOne(({ url }) => url.includes('/projects'))
    .flush({ items, nextCursor: null });
  return names;
}

export const offeredApart = ['Airfield (airfield)', 'Airfield (airfield-2)', 'Port'];
