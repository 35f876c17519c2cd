"""The viewer and the index against their goals: a real browser, a real server, large stores."""
