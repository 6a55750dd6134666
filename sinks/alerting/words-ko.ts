import type { Words } from './text.ts';

export const korean: Words = {
  kinds: {
    firing: '발생',
    update: '계속 발생',
    repeat: '지속 중',
    resolved: '해소',
    test: '시험',
  },
  severities: { info: '정보', warning: '경고', critical: '심각' },
  happened: (message, { number, percent, duration }) => {
    const { type, kind, count, value, bound, window, quantile } = message;
    if (kind === 'test') return '시험 메시지입니다. 실제로 발생한 일은 없습니다';
    const over = kind === 'resolved';
    const p = `p${Number(((quantile ?? 0) * 100).toFixed(1))}`;
    const time = (text: string) => koreanDuration(text);
    switch (type) {
      case 'failed':
        return `거래 ${number(count)}건 실패`;
      case 'timed_out':
        return `거래 ${number(count)}건 시간 초과`;
      case 'slow':
        return `거래 ${number(count)}건이 ${time(duration(bound))}보다 오래 걸림`;
      case 'dead_letters':
        return `수집하지 못한 레코드 ${number(count)}건`;
      case 'failure_rate':
        return `최근 ${time(duration(window))} 동안 거래의 ${percent(over ? message.peak : value)}가 비정상 종료${over ? '(최고치)' : ''} (기준 ${percent(bound)})`;
      case 'no_transactions':
        return over
          ? `${time(duration(message.peak))} 만에 거래가 다시 들어옴`
          : `${time(duration(value))} 동안 거래 없음`;
      case 'duration_quantile':
        return `처리 시간 ${p} ${time(duration(value))}${over ? `, 최고 ${time(duration(message.peak))}` : ''} (기준 ${time(duration(bound))})`;
      case 'queue_time':
        return `대기 시간 ${p} ${time(duration(value))}${over ? `, 최고 ${time(duration(message.peak))}` : ''} (기준 ${time(duration(bound))})`;
      default:
        return type;
    }
  },
  names: {
    what: '내용',
    interface: '인터페이스',
    step: '단계',
    branch: '수신처',
    error_code: '오류 코드',
    input: '입력',
    stage: '처리 단계',
    target_system: '대상 시스템',
    error_message: '오류 메시지',
    since: '시작 시각',
    last: '최근 시각',
    resolved: '해소 시각',
    count: '건수',
    samples: '예시 거래',
    look: '확인 명령',
    link: '링크',
    rule: '규칙',
  },
  also: (count) => `같은 시각에 이 규칙의 알림이 ${count}건 더 있습니다:`,
  added: (added) => `지난 메시지 이후 ${added}건`,
  cleared: (cleared) => `재시도로 해소된 것 ${cleared}건`,
};

const UNITS: Readonly<Record<string, string>> = { d: '일', h: '시간', m: '분', s: '초', ms: '밀리초' };

/** `1h30m` → `1시간 30분` */
function koreanDuration(text: string): string {
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)]
    .map(([, amount, unit]) => `${amount}${UNITS[unit ?? ''] ?? ''}`)
    .join(' ');
}
