{{ segment_events_of('customer') }}
