//! Two channels of one service in one thread: `cargo run --example tokio --features tokio -- SOCKET SERVICE`.
//!
//! The service is to send back what it gets.

use offsched_client::{AsyncChannel, Device};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(path), Some(service)) = (args.next(), args.next()) else {
        return Err("which device, and which service? (two arguments)".into());
    };
    let device = Device::open(path)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let one = greet(AsyncChannel::new(device.bind(&service)?)?, "one");
        let two = greet(AsyncChannel::new(device.bind(&service)?)?, "two");
        let mut both = (Box::pin(one), Box::pin(two));
        // With `tokio::join!` of the feature `macros` this is one line.
        let first = (&mut both.0).await?;
        let second = (&mut both.1).await?;
        println!("{first}, {second}");
        Ok(())
    })
}

async fn greet(mut channel: AsyncChannel, name: &str) -> Result<String, offsched_client::Error> {
    channel.send(name.as_bytes()).await?;
    let mut buf = [0; 4096];
    let len = channel.recv(&mut buf).await?;
    Ok(String::from_utf8_lossy(&buf[..len]).into_owned())
}
