import { HttpEventType, type HttpInterceptorFn } from '@angular/common/http';
import { tap } from 'rxjs';
import { hearTime } from '../ui/clock';

/** Every answer says what time it is where it comes from. */
export const noticeTime: HttpInterceptorFn = (request, next) => {
  const asked = Date.now();
  return next(request).pipe(
    tap((event) => {
      if (event.type === HttpEventType.Response)
        hearTime(event.headers.get('date'), asked, Date.now());
    }),
  );
};
