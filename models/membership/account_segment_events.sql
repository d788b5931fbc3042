{{ segment_events_of('account') }}
